"""Persons and machines (normalize/automation.py, normalize/bounce.py, normalize/bounce_freeform.py)."""

import pytest

from tests.normalize.letters import letter, read, record


@pytest.mark.parametrize(
    ("fields", "subject", "kind"),
    [
        ((), "Question", "human"),
        (("Auto-Submitted: no",), "Question", "human"),
        (("Auto-Submitted: No; owner=x",), "Question", "human"),
        (("Auto-Submitted: auto-replied",), "Question", "auto_reply"),
        (("Auto-Submitted: auto-replied (vacation)",), "Out of office: Question", "out_of_office"),
        (("Auto-Submitted: auto-generated",), "Question", "system"),
        (("Auto-Submitted: auto-replied (zimbra; vacation)",), "Question", "out_of_office"),
        (("Auto-Submitted: auto-replied; owner-email=anna@customer.example",), "Question", "auto_reply"),
        (("X-Auto-Response-Suppress: All", "X-MS-Exchange-Inbox-Rules-Loop: a@b.example"), "Question", "auto_reply"),
        (("X-Vacation: yes",), "Question", "auto_reply"),
        (("X-Autoreply: yes",), "Question", "auto_reply"),
        (("X-Autoreply: no",), "Question", "human"),
        (("Precedence: special-delivery",), "Question", "human"),
        (("Return-Path: <MAILER-DAEMON>",), "Question", "system"),
        (("Precedence: auto_reply",), "Question", "auto_reply"),
        (("X-Auto-Response-Suppress: All",), "Question", "bulk"),
        (("X-Auto-Response-Suppress: none",), "Question", "human"),
        (("Precedence: bulk",), "Question", "bulk"),
        (("Precedence: junk",), "Question", "bulk"),
        (("Precedence: first-class",), "Question", "human"),
        (("Precedence: list",), "Question", "list"),
        (("List-Id: <a.b>",), "Question", "list"),
        (("List-Unsubscribe: <mailto:x@y>",), "Question", "bulk"),
        (("Return-Path: <>",), "Question", "system"),
        (("Return-Path: <anna@customer.example>",), "Question", "human"),
        ((), "Automatic reply: Question", "auto_reply"),
        ((), "Automatische Antwort: Frage", "auto_reply"),
        ((), "Automatic reply broken on your site", "human"),
        ((), "Vacation plans", "human"),
        ((), "Delivery failed twice", "human"),
    ],
)
def test_headers_first(fields: tuple[str, ...], subject: str, kind: str) -> None:
    body = "A text that could be from anybody: the courier could not deliver the parcel."
    assert read(letter(body, *fields, subject=subject)).automation.kind == kind


AWAY = {
    "en": ("Automatic reply: Order", "Out of office: Order", "I am out of the office until Monday."),
    "fr": ("Réponse automatique : Commande", "Absence du bureau : Commande", "Je suis absente du bureau."),
    "nl": ("Automatisch antwoord: Bestelling", "Afwezigheid: Bestelling", "Ik ben met vakantie tot maandag."),
    "pt": ("Resposta automática: Encomenda", "Fora do escritório: Encomenda", "Estou de férias até segunda-feira."),
    "ja": ("自動返信: 注文", "不在通知: 注文", "月曜日まで休暇をいただいております。"),
    "de": ("Automatische Antwort: Bestellung", "Abwesenheitsnotiz", "Ich bin bis Montag nicht im Büro."),
    "es": ("Respuesta automática: Pedido", "Fuera de la oficina: Pedido", "Estoy de vacaciones hasta el lunes."),
    "it": ("Risposta automatica: Ordine", "Fuori ufficio: Ordine", "Sono in ferie fino a lunedì."),
    "pl": ("Automatyczna odpowiedź: Zamówienie", "Poza biurem", "Jestem na urlopie do poniedziałku."),
    "ru": ("Автоматический ответ: Заказ", "Вне офиса: Заказ", "Я в отпуске до понедельника."),
    "sv": ("Autosvar: Beställning", "Frånvaro: Beställning", "Jag är på semester till måndag."),
    "da": ("Automatisk svar: Ordre", "Ikke på kontoret", "Jeg er på ferie indtil mandag."),
    "no": ("Automatisk svar: Ordre", "Fraværsmelding", "Jeg er på ferie til mandag."),
    "fi": ("Automaattinen vastaus: Tilaus", "Poissaoloilmoitus", "Olen lomalla maanantaihin asti."),
    "cs": ("Automatická odpověď: Objednávka", "Mimo kancelář", "Do pondělí mám dovolenou."),
    "tr": ("Otomatik Yanıt: Sipariş", "Ofis dışındayım", "Pazartesiye kadar yıllık izindeyim."),
    "zh": ("自动回复: 订单", "外出通知", "我正在休假，星期一回来。"),
    "ko": ("자동 회신: 주문", "부재중", "월요일까지 휴가입니다."),
}


@pytest.mark.parametrize("language", AWAY)
def test_out_of_office_in_every_language(language: str) -> None:
    answer, away, text = AWAY[language]
    assert read(letter(text, subject=answer)).automation.kind == "out_of_office"
    assert read(letter(text, subject=away)).automation.kind == "out_of_office"
    assert read(letter(text, "Auto-Submitted: auto-replied", subject="Re: x")).automation.kind == "out_of_office"
    assert read(letter(text, subject="Re: x")).automation.kind == "human"


@pytest.mark.parametrize(
    ("subject", "text"),
    [
        ("Vacation home in Spain", "The vacation home was dirty. Please refund us."),
        ("Urlaub gebucht", "Ich bin im Urlaub und der Mietwagen fehlt."),
        ("En vacances sans bagages", "Je suis en vacances et ma valise manque."),
        ("Vakantie: klacht", "Wij zijn met vakantie en het huisje is vies."),
        ("Abwesend bei Lieferung", "Ich war abwesend, als das Paket kam."),
        ("Auto: Frage zum Leasing", "Ich bin im Urlaub und das Auto springt nicht an."),
        ("Delivery failed", "My payment was automatically rejected and the parcel was not delivered."),
        ("Returned mail order", "I returned the mailbox that I ordered. Its lid does not exist."),
        ("Mail delivery", "The courier said: user unknown at this address."),
        ("Undelivered parcel", "Not delivered again! The reason: nobody knows."),
        ("My mailbox is full of your newsletters", "Please stop. My mailbox is full."),
    ],
)
def test_a_person_who_writes_of_such_things_is_a_person(subject: str, text: str) -> None:
    assert read(letter(text, subject=subject)).automation.kind == "human"
    assert read(letter(text, "Precedence: normal", subject=subject)).automation.kind == "human"


@pytest.mark.parametrize(
    ("author", "kind", "reason"),
    [
        ("MAILER-DAEMON@mx.example", "system", "author:daemon"),
        ("no-reply@shop.example", "system", "author:no_reply"),
        ("noreply+123@shop.example", "system", "author:no_reply"),
        ("norepley.anna@shop.example", "human", None),
        ("support@desk.example", "system", "own_address"),
        ("Support <support+abc@DESK.example>", "system", "own_address"),
    ],
)
def test_authors(author: str, kind: str, reason: str | None) -> None:
    automation = read(letter("Nothing special.").replace("Anna Bell <anna@customer.example>", author)).automation
    assert (automation.kind, automation.reason) == (kind, reason)


def test_holidays_are_no_machine() -> None:
    body = "We are on holiday in May and the apartment was not as described."
    assert read(letter(body, subject="Vacation rental")).automation.kind == "human"
    away = "I am out of office until Monday."
    assert read(letter(away, subject="Out of office: Question")).automation.kind == "out_of_office"
    assert read(letter("My chair is broken.", subject="Out of office chair")).automation.kind == "human"


def test_the_envelope_decides_over_the_field() -> None:
    mail = letter("Hello.", "Return-Path: <>")
    assert read(mail, record(envelope_from="anna@customer.example")).automation.kind == "human"
    assert read(letter("Hello."), record(envelope_from="")).automation.reason == "null_return_path"


def report(action: str, status: str, diagnostic: str = "smtp; 550 no such user") -> str:
    return letter(
        f"""--b
Content-Type: text/plain

words
--b
Content-Type: message/delivery-status

Reporting-MTA: dns; mx.example

Final-Recipient: rfc822; gone@customer.example
Action: {action}
Status: {status}
Diagnostic-Code: {diagnostic}

--b
Content-Type: message/rfc822

Message-ID: <sent-1@desk.example>
Subject: hello

text
--b--
""",
        'Content-Type: multipart/report; report-type=delivery-status; boundary="b"',
    )


def test_a_report_of_failure() -> None:
    automation = read(report("failed", "5.1.1")).automation
    assert automation.kind == "bounce"
    assert automation.bounce is not None
    assert automation.bounce.model_dump() == {
        "recipient": "gone@customer.example",
        "status": "5.1.1",
        "permanent": True,
        "diagnostic": "550 no such user",
        "original_message_id": "sent-1@desk.example",
    }


def test_a_report_that_says_nothing_is_read_by_its_diagnostic() -> None:
    bounce = read(report("failed", "5.0.0", "smtp; 552 5.2.2 mailbox full")).automation.bounce
    assert bounce is not None
    assert bounce.status == "5.2.2"


def test_a_delay_is_not_final() -> None:
    automation = read(report("delayed", "4.4.1")).automation
    assert automation.reason == "report:delayed"
    assert automation.bounce is not None
    assert automation.bounce.permanent is False


def test_a_receipt_is_no_bounce() -> None:
    automation = read(report("delivered", "2.0.0")).automation
    assert (automation.kind, automation.bounce) == ("system", None)


@pytest.mark.parametrize(
    ("words", "status", "permanent"),
    [
        ("<gone@customer.example>: 550 5.1.1 user unknown", "5.1.1", True),
        ("<gone@customer.example>: the mailbox is full", "5.2.2", True),
        ("<gone@customer.example>: 452 4.2.2 over quota", "4.2.2", False),
        ("<gone@customer.example>: host not found", "5.1.2", True),
        ("<gone@customer.example>: we could not deliver it and do not say why", "5.0.0", True),
        ("<gone@customer.example>: could not be delivered yet, will be retried", "4.0.0", False),
    ],
)
def test_a_bounce_in_words(words: str, status: str, permanent: bool) -> None:
    mail = letter(f"Your message could not be delivered.\n\n{words}\n", "Return-Path: <>", subject="Delivery failure")
    automation = read(mail.replace("anna@customer", "mailer-daemon@customer")).automation
    assert automation.kind == "bounce"
    assert automation.bounce is not None
    assert (automation.bounce.recipient, automation.bounce.status, automation.bounce.permanent) == (
        "gone@customer.example",
        status,
        permanent,
    )


def test_a_report_that_a_gateway_wrapped_into_a_mail_of_its_own() -> None:
    inner = report("failed", "5.1.1").replace('boundary="b"', 'boundary="i"').replace("--b", "--i")
    body = f"--o\nContent-Type: text/plain\n\nsee below\n--o\nContent-Type: message/rfc822\n\n{inner}\n--o--\n"
    mail = letter(body, 'Content-Type: multipart/mixed; boundary="o"', subject="Mail Delivery Subsystem")
    wrapped = read(mail.replace("Anna Bell <anna@", "Mail Delivery Subsystem <gate@")).automation
    assert wrapped.kind == "bounce"
    assert wrapped.bounce is not None
    assert (wrapped.bounce.recipient, wrapped.bounce.status) == ("gone@customer.example", "5.1.1")
    assert read(mail).automation.kind == "human"


def test_a_person_who_forwards_a_bounce_is_a_person() -> None:
    body = "> From: MAILER-DAEMON@mx.example\n> 550 5.1.1 user unknown\n\nWhat does this mean?"
    assert read(letter(body, subject="Fwd: Undelivered Mail")).automation.kind == "human"
