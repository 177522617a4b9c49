"""What a mail passes on, and what only looks like it."""

from datetime import UTC, datetime

import pytest

from bus.message import NormalizedMessage
from bus.model import BlobRef
from bus.raw import RawMessage
from normalize.mail import normalize_mail
from normalize.outcome import Understood


def read(payload: str, *, remote: str | None = None) -> NormalizedMessage:
    data = payload.replace("\n", "\r\n").encode()
    raw = RawMessage(
        channel="email",
        account="support",
        received_at=datetime(2026, 3, 2, tzinfo=UTC),
        payload=BlobRef(blob="b", size=len(data)),
        own_addresses=["support@desk.example"],
        remote=remote,
    )
    [found] = normalize_mail(raw, data)
    assert isinstance(found, Understood)
    return found.message


def mail(subject: str, text: str, *fields: str) -> str:
    head = ["From: Joe <joe@desk.example>", "To: support@desk.example", f"Subject: {subject}", "Message-ID: <f1@d>"]
    return "\n".join([*head, *fields, "Content-Type: text/plain; charset=utf-8", "", text])


GMAIL = """Please take this one.

---------- Forwarded message ---------
From: Ann Bell <ann@customer.example>
Date: Mon, 2 Mar 2026 at 10:00
Subject: The lamp is broken
To: Joe <joe@desk.example>

It went out yesterday.
"""
APPLE = """Begin forwarded message:

> From: Ann Bell <ann@customer.example>
> Subject: The lamp is broken
> Date: 2 March 2026
> To: joe@desk.example
>
> It went out.
"""
OUTLOOK_NL = """Kun jij dit oppakken?

Van: Ann Bell <ann@customer.example>
Verzonden: maandag 2 maart 2026 10:00
Aan: Joe
Onderwerp: The lamp is broken

De lamp is stuk.
"""
FRENCH = """-------- Message transféré --------
Sujet : \tThe lamp is broken
Date : \tMon, 2 Mar 2026 10:00:00 +0100
De : \tAnn Bell <ann@customer.example>
Pour : \tjoe@desk.example

La lampe est cassée.
"""
JAPANESE = """---------- 転送メッセージ ----------
差出人: Ann Bell <ann@customer.example>
件名: The lamp is broken
宛先: joe@desk.example

ランプが壊れました。
"""


@pytest.mark.parametrize(
    ("subject", "text"),
    [
        ("Fwd: The lamp is broken", GMAIL),
        ("A lamp", GMAIL),
        ("Fwd: The lamp is broken", APPLE),
        ("FW: The lamp is broken", OUTLOOK_NL),
        ("TR: The lamp is broken", FRENCH),
        ("Fwd: The lamp is broken", JAPANESE),
        ("Enc: The lamp is broken", GMAIL.replace("Forwarded message", "Mensagem encaminhada")),
    ],
)
def test_a_copied_mail_is_found_in_each_programs_form(subject: str, text: str) -> None:
    found = read(mail(subject, text)).forwarded
    assert found is not None
    assert (found.author.address, found.author.name) == ("ann@customer.example", "Ann Bell")
    assert found.subject == "The lamp is broken"


def test_a_mail_that_is_passed_on_as_a_part_keeps_its_id() -> None:
    inner = "From: Ann <ann@customer.example>\nMessage-ID: <q1@customer.example>\nSubject: Lamp\n\nIt went out.\n"
    whole = (
        "From: joe@desk.example\nSubject: Fwd: Lamp\nMIME-Version: 1.0\n"
        'Content-Type: multipart/mixed; boundary="b"\n\n--b\nContent-Type: text/plain\n\nSee below\n'
        f"--b\nContent-Type: message/rfc822\n\n{inner}\n--b--\n"
    )
    found = read(whole).forwarded
    assert found is not None
    assert (found.author.address, found.message_id, found.subject) == (
        "ann@customer.example",
        "q1@customer.example",
        "Lamp",
    )


@pytest.mark.parametrize(
    ("subject", "text"),
    [
        ("Re: The lamp is broken", OUTLOOK_NL),
        ("Re: The lamp is broken", f"Done.\n\n{GMAIL}"),
        ("The lamp", "We forward this: From: nobody"),
        ("Fwd: The lamp", "no copy here"),
        ("Fwd: The lamp", "From: ann without an address\nSubject: x\n"),
        ("The lamp", "> ---------- Forwarded message ---------\n> From: ann@customer.example\n> Subject: x\n"),
    ],
)
def test_an_answer_or_mere_words_pass_nothing_on(subject: str, text: str) -> None:
    assert read(mail(subject, text)).forwarded is None


def test_a_mailboxs_forwarding_rule_keeps_the_author_and_the_id() -> None:
    found = read(
        "Return-Path: <joe+caf_=support=desk.example@mailbox.example>\nX-Forwarded-To: support@desk.example\n"
        "X-Forwarded-For: joe@mailbox.example support@desk.example\nDelivered-To: joe@mailbox.example\n"
        "Resent-From: joe@mailbox.example\nResent-To: support@desk.example\nResent-Message-ID: <r1@mailbox.example>\n"
        "From: Ann <ann@customer.example>\nTo: joe@mailbox.example\nMessage-ID: <q1@customer.example>\n"
        "Subject: The lamp\n\nIt went out.\n"
    )
    assert (found.author.address, found.source_id, found.forwarded) == (
        "ann@customer.example",
        "q1@customer.example",
        None,
    )


@pytest.mark.parametrize(
    ("fields", "language"),
    [
        (["Content-Language: nl"], "nl"),
        (["Content-Language: pt-BR"], "pt-BR"),
        (["Content-Language: en-US", "Thread-Index: AdX"], None),
        (["Content-Language: en-US", "Accept-Language: en-US"], None),
        (["Content-Language: nl, en"], None),
        (["Content-Language: x y"], None),
        ([], None),
    ],
)
def test_a_declared_language_is_one_that_no_program_has_set(fields: list[str], language: str | None) -> None:
    assert read(mail("Lamp", "Please", *fields)).declared_language == language


@pytest.mark.parametrize(
    ("remote", "origin"),
    [
        ("8.8.4.77", "8.8.4.0/24"),
        ("::ffff:8.8.4.77", "8.8.4.0/24"),
        ("2606:4700:0:1:2:3:4:5", "2606:4700:0:1::/64"),
        ("127.0.0.1", None),
        ("10.1.2.3", None),
        ("fe80::1%eth0", None),
        ("nonsense", None),
        (None, None),
    ],
)
def test_where_it_came_from_is_a_public_network(remote: str | None, origin: str | None) -> None:
    assert read(mail("Lamp", "Please"), remote=remote).origin == origin


def test_a_loop_header_is_passed_on_for_the_desk_to_verify() -> None:
    for value, loop in ((f"{'a7' * 32} 1", f"{'a7' * 32} 1"), ("abc 1", None), (f"{'a7' * 32} 1 now buy", None)):
        message = read(mail("Lamp", "We have received your message", f"X-Deskstream-Loop: {value}"))
        assert (message.automation.kind, message.loop) == ("human", loop)
