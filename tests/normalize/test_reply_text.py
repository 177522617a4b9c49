"""What a message adds (normalize/reply_text.py, normalize/quote_headers.py, normalize/reply_html.py)."""

import pytest

from normalize.reply_html import text_without_quotes
from normalize.reply_text import reply_text

WROTE = [
    "On Mon, Nov 2, 2026 at 5:03 PM Support <support@desk.example> wrote:",
    "On Mon, Nov 2, 2026 at 5:03 PM Support\n<support@desk.example> wrote:",
    "Le lun. 2 nov. 2026 à 17:03, Support <support@desk.example> a écrit :",
    "Op ma 2 nov 2026 om 17:03 schreef Support <support@desk.example>:",
    "Em seg., 2 de nov. de 2026 às 17:03, Support <support@desk.example> escreveu:",
    "2026年11月2日(月) 17:03 Support <support@desk.example>:",
    "Am Mo., 2. Nov. 2026 um 17:03 Uhr schrieb Support <support@desk.example>:",
    "El lun, 2 nov 2026 a las 17:03, Support (<support@desk.example>) escribió:",
    "Il giorno lun 2 nov 2026 alle ore 17:03 Support <support@desk.example> ha scritto:",
    "W dniu 02.11.2026 o 17:03, Support pisze:",
    "2026-11-02 17:03 GMT+01:00 Support <support@desk.example>:",
]
HEADERS = [
    "From: Support <support@desk.example>\nSent: Monday, November 2, 2026 5:03 PM\nTo: Anna\nSubject: Parcel",
    "De : Support\nEnvoyé : lundi 2 novembre 2026 17:03\nÀ : Anna\nObjet : Colis",
    "Van: Support\nVerzonden: maandag 2 november 2026 17:03\nAan: Anna\nOnderwerp: Pakket",
    "De: Support\nEnviado: segunda-feira, 2 de novembro de 2026 17:03\nPara: Anna\nAssunto: Encomenda",
    "差出人: Support\n送信日時: 2026年11月2日 17:03\n宛先: Anna\n件名: 荷物",
    "Von: Support\nGesendet: Montag, 2. November 2026 17:03\nAn: Anna\nBetreff: Paket",
    "Da: Support\nInviato: lunedì 2 novembre 2026 17:03\nA: Anna\nOggetto: Pacco",
    "-----Original Message-----\nwhatever follows",
    "-------- Oorspronkelijk bericht --------\nwhatever follows",
    "________________________________\nFrom: Support\nDate: Monday\nSubject: Parcel",
]


@pytest.mark.parametrize("attribution", WROTE)
@pytest.mark.parametrize("mark", ["> ", ""])
def test_attribution_and_what_follows_go(attribution: str, mark: str) -> None:
    text = f"First line of mine.\nSecond line of mine.\n\n{attribution}\n\n{mark}Your parcel\n{mark}is on its way.\n"
    assert reply_text(text) == "First line of mine.\nSecond line of mine."


@pytest.mark.parametrize("header", HEADERS)
def test_copied_headers_and_what_follows_go(header: str) -> None:
    assert reply_text(f"Mine.\n\n{header}\n\nYour parcel is on its way.\n") == "Mine."


def test_words_that_only_look_like_an_attribution_stay() -> None:
    text = "On 3 November I was told that:\n\nthe parcel is lost. My wife wrote:\nplease refund.\n"
    assert reply_text(text) == text.strip()


def test_answers_between_quotes_keep_them() -> None:
    answers = "> Colour?\n\nRed.\n\n> Size?\n\nLarge."
    assert reply_text(f"{answers}\n\n> Bye\n") == answers
    assert reply_text(f"On 2 Nov 2026, Support wrote:\n{answers}\n\n> Bye\n") == "Red.\n\n> Size?\n\nLarge."


def test_an_answer_below_the_quote() -> None:
    text = "On 2 Nov 2026, Support wrote:\n> Which colour?\n> Which size?\n\nRed and large.\n"
    assert reply_text(text) == "Red and large."


@pytest.mark.parametrize(
    "header",
    [
        "---------- Forwarded message ---------\nFrom: A <a@b.example>\nSubject: Long\nand folded\nTo: c@d.example\n",
        "Begin forwarded message:\n\nFrom: A <a@b.example>\n\nSubject: Parcel\n\nDate: 2 November 2026\n",
        "-----Ursprüngliche Nachricht-----\nVon: A <a@b.example>\nGesendet: Montag\nBetreff: Paket\n",
        "From: A <a@b.example>\nSent: Monday, November 2, 2026\nTo: c@d.example\nSubject: Parcel\n",
    ],
)
def test_a_forwarded_mail_is_what_there_is(header: str) -> None:
    forwarded = "It never came.\n\n> Have you looked?\n\nYes.\n\n-- \nAnna"
    assert reply_text(f"{header}\n\n{forwarded}\n") == forwarded
    assert reply_text(f"Please help.\n\n{header}\n\n{forwarded}\n") == "Please help."


@pytest.mark.parametrize("title", ["Previous Replies", "*Vorige antwoorden*", "**Respostas anteriores**"])
def test_repeated_discussions_go(title: str) -> None:
    assert reply_text(f"Mine.\n\n---\n{title}\n\nSomething old.\n") == "Mine."


@pytest.mark.parametrize("name", ["-Anna", "-Anna Bell", "-A. Bell"])
def test_a_name_behind_a_dash_goes(name: str) -> None:
    assert reply_text(f"Mine.\n\n{name}\n\n____\nlist of parcels\nhttps://lists.example\n") == "Mine."
    assert reply_text(f"I want:\n{name}\n{name}\n") == f"I want:\n{name}\n{name}"


def test_an_address_closed_on_the_next_line_is_no_quote() -> None:
    assert reply_text("Mine.\n\ntir. 3. nov. 2026 kl. 17:03 skrev A <a@b.example\n>:\n\n> old\n") == "Mine."


def test_quotes_with_initials() -> None:
    assert reply_text("Mine.\n\nAB> old\nAB>\nAB> older\n") == "Mine."


def test_a_wrapped_quoted_line_belongs_to_the_quote() -> None:
    quote = "> " + "word " * 14 + "\ntorn off\n> more\n"
    assert reply_text("Mine.\n\n" + quote) == "Mine."


@pytest.mark.parametrize(
    "signature",
    ["-- \nAnna\n+31 20 000", "--\nAnna", "________________\nAnna", "---\nAnna Bell\nHead of Chairs",
     "—————\nAnna Bell\n+31 20 000", "====\nAnna", "Sent from my iPhone", "Verstuurd vanaf mijn iPad",
     "Envoyé de mon iPhone", "Enviado do meu iPhone", "iPhoneから送信", "Get Outlook for Android"],
)  # fmt: skip
def test_signatures_go(signature: str) -> None:
    assert reply_text(f"Mine.\n\n{signature}\n") == "Mine."


def test_a_sentence_about_a_phone_stays() -> None:
    text = "Mine.\n\nSent from my desk because it is so much easier than writing on my telephone."
    assert reply_text(text) == text


@pytest.mark.parametrize(
    "text",
    [
        "> all\n> quoted\n",
        "-- \nAnna\n",
        "Sent from my iPhone",
        "On 2 Nov 2026, A wrote:\n\n",
        "From: a\nDate: b\nSubject: c\n",
    ],
)
def test_never_empty_when_the_text_is_not(text: str) -> None:
    assert reply_text(text).strip()


def test_html_by_structure() -> None:
    source = "<p>Mine</p><div class='gmail_quote'>On Monday<blockquote>old</blockquote></div>"
    quoted = text_without_quotes(source)
    assert quoted == "Mine\n\n> old"
    assert reply_text(quoted) == "Mine"
    assert text_without_quotes("<p>Mine</p><div id='divRplyFwdMsg'>From: x</div><p>old</p>") == "Mine"
    assert text_without_quotes("<p>Mine</p>") is None


def test_html_by_structure_reaches_the_reply() -> None:
    from tests.normalize.letters import letter, read

    html = "<p>Mine</p><div id='appendonsend'></div><p>Something without any mark of a quote</p>"
    message = read(letter(html, "Content-Type: text/html; charset=utf-8"))
    assert message.reply_text == "Mine"
    assert isinstance(message.text, str)
    assert "without any mark" in message.text
