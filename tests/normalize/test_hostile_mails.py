"""Mails made to hurt: settled within bounds, the customer always has a message (reliability.md §3)."""

import signal
from collections.abc import Iterator
from types import FrameType

import pytest

from tests.normalize.letters import letter, read

MUCH = 10**6
NEST = "".join(f'Content-Type: multipart/mixed; boundary="n{i}"\n\n--n{i}\n' for i in range(3000))
HOSTILE = {
    "parentheses": "From: " + "(" * 2000 + "\nSubject: s\n\nx",
    "quotes in an address": "From: " + '"a, ' * 15000 + "\nSubject: s\n\nx",
    "blanks in an address": "From: " + " " * 60000 + "x\nSubject: s\n\nx",
    "parameters": "Subject: s\nContent-Type: text/plain;" + '="' * 30000 + "\n\nx",
    "encoded words": "Subject: " + "=?a?q?" * 10000 + "\n\nx",
    "nothing but line feeds": "\n" * MUCH,
    "nothing but carriage returns": "\r" * MUCH,
    "NULs": letter("\0" * MUCH),
    "quoted lines": letter("> a\n" * MUCH),
    "attributions": letter("On 1 wrote:\n> x\ny\n" * 100000),
    "attributions, wrapped": letter("On 2 Nov 2026 Anna <\na@b.example\n>\nx\n" * 60000),
    "attributions, long": letter(("On 2 Nov 2026, " + "x, " * 200 + "\n") * 3000 + "wrote:\n" * 3000),
    "copied headers": letter("From: a\nx\ny\n" * 100000),
    "copied headers, half": letter("From: a@b.example\nz\n\n" * 100000),
    "rules": letter("_____\n\n" * 200000 + "From: a\n"),
    "rules, long": letter(("_" * 5000 + "\n") * 200),
    "phones": letter("Sent from my iPhone\n\n" * 50000),
    "disclaimers": letter("This message is intended\n\n" * 50000),
    "disclaimers, one": letter("This message " + "is long " * 100000),
    "initials": letter("AB> x\n" * 200000),
    "verbs": letter("wrote schrieb skrev " * 50000 + ":\n"),
    "emphasis": letter("*" * MUCH + ":\n" + "*_" * 200000),
    "names behind dashes": letter("-Anna\n\n" * 200000),
    "colons": letter("a:\n" * 300000),
    "dashes": letter("-" * MUCH + "\n" + "--\n" * 300000),
    "soft breaks": letter("a \n" * 300000, "Content-Type: text/plain; format=flowed"),
    "base64 runs": letter("YQ==\n" * 300000, "Content-Transfer-Encoding: base64"),
    "escapes": letter("\x1b$B" * 300000, "Content-Type: text/plain; charset=iso-2022-jp"),
    "nested elements": letter("<div>" * MUCH, "Content-Type: text/html"),
    "copied formatting": letter(
        "<p>" + "".join(f"<b id={i}>" for i in range(900)) + "</p>" + "<p>x" * 100000, "Content-Type: text/html"
    ),
    "deep quotes": letter("<blockquote>" * 900 + "<br>x" * 20000, "Content-Type: text/html"),
    "uuencode": letter("begin 644 x\n" * 100000),
    "gmail quotes": letter("<div class=gmail_quote>On 2 Nov 2026, a wrote:" * 3000, "Content-Type: text/html"),
    "gmail quotes, apart": letter("<div class=gmail_quote>x</div>" * 30000, "Content-Type: text/html"),
    "outlook dividers": letter("<p>x</p><div id=x_divRplyFwdMsg>y</div>" * 20000, "Content-Type: text/html"),
    "words of bounces": letter("could not could not mailbox user " * 30000).replace("anna@", "mailer-daemon@"),
    "addresses of a bounce": letter("<a@b.example> recipient " * 30000).replace("anna@", "mailer-daemon@"),
    "fields of a bounce": letter("Final-Recipient: rfc822;\nStatus: 5\n" * 30000).replace("anna@", "mailer-daemon@"),
    "reasons of a bounce": letter("exceeds mailbox " * 100000).replace("anna@", "mailer-daemon@"),
}
BEYOND = {
    "depth": "Subject: kept\n" + NEST,
    "parts": letter("--b\n\nx\n" * 50000, 'Content-Type: multipart/mixed; boundary="b"', subject="kept"),
    "boundaries": letter("--bb\n" * 50000, 'Content-Type: multipart/mixed; boundary="b"', subject="kept"),
    "header_bytes": "Subject: kept\nX: " + "x" * MUCH,
    "headers": "Subject: kept\n" + "X: y\n" * 400 + "\nbody",
}


@pytest.fixture(autouse=True)
def soon() -> Iterator[None]:
    """A generous end to what would otherwise never come back."""

    def late(number: int, frame: FrameType | None) -> None:
        raise TimeoutError("not settled within bounds")

    before = signal.signal(signal.SIGALRM, late)
    signal.alarm(60)
    yield
    signal.alarm(0)
    signal.signal(signal.SIGALRM, before)


@pytest.mark.parametrize("name", HOSTILE)
def test_settled(name: str) -> None:
    message = read(HOSTILE[name])
    assert not any(warning == "unparseable" or warning.startswith("limit:") for warning in message.warnings)
    message.to_json()


@pytest.mark.parametrize("limit", BEYOND)
def test_beyond_a_limit_the_customer_still_has_a_message(limit: str) -> None:
    message = read(BEYOND[limit])
    assert f"limit:{limit}" in message.warnings
    assert message.subject == "kept"
    assert isinstance(message.text, str)
    assert message.text.startswith("unparseable message")
    assert message.reply_text == message.text
    assert message.attachments == []


def test_at_the_limits_all_is_read() -> None:
    parts = letter("--b\n\nx\n" * 500 + "--b--", 'Content-Type: multipart/mixed; boundary="b"')
    assert read(parts).text == "\n".join("x" * 500)


def test_too_many_bytes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("normalize.mail.MAIL_BYTES", 100)
    message = read(letter("x" * 200, subject="kept"))
    assert "limit:bytes" in message.warnings
    assert (message.subject, message.author.address) == ("kept", "anna@customer.example")


def test_our_own_failure_gives_a_message_too(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object) -> str:
        raise ZeroDivisionError

    monkeypatch.setattr("normalize.mail.reply_text", broken)
    message = read(letter("hello", subject="kept"))
    assert "unparseable" in message.warnings
    assert message.subject == "kept"
