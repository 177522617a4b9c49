"""The mail of a reply: its fields, its bytes, and that nothing in a reply can add a header."""

import email
import email.policy
from email.message import EmailMessage
from typing import cast

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bus.reply import Recipient, ReplyAttachment
from ingest.contract import Refused
from ingest.mail_message import Mail, compose
from tests.ingest.sending.replies import a_reply

OWN = "support@desk.example"
ALLOWED = {
    *("from", "to", "reply-to", "subject", "date", "message-id", "in-reply-to", "references", "auto-submitted"),
    *("x-auto-response-suppress", "x-deskstream-loop", "content-language", "mime-version", "content-type"),
    "content-transfer-encoding",
}


def parsed(mail: Mail) -> EmailMessage:
    return email.message_from_bytes(mail.content, policy=email.policy.default)


def the_text(message: EmailMessage, subtype: str = "plain") -> str:
    part = message.get_body(preferencelist=(subtype,))
    assert part is not None
    content = part.get_content()
    assert isinstance(content, str)
    return content.replace("\r\n", "\n")


def test_a_confirmation_is_recognizable_as_automatic_and_answers_go_to_its_token() -> None:
    mail = compose(a_reply(), OWN)
    message = parsed(mail)
    assert mail.envelope_from == ""
    assert mail.recipient == "ana@customer.example"
    assert mail.message_id == "t1.confirmation@desk.example"
    assert {name.lower(): str(value) for name, value in message.items()} == {
        "from": "Desk support <support@desk.example>",
        "to": "Ana <ana@customer.example>",
        "reply-to": "support+abc123@desk.example",
        "subject": "Your request #7",
        "date": "Sun, 01 Mar 2026 12:30:00 +0000",
        "message-id": "<t1.confirmation@desk.example>",
        "in-reply-to": "<q1@customer.example>",
        "references": "<q0@customer.example> <q1@customer.example>",
        "auto-submitted": "auto-replied",
        "x-auto-response-suppress": "All",
        "x-deskstream-loop": "chain1;hops=1",
        "content-language": "en",
        "mime-version": "1.0",
        "content-type": 'text/plain; charset="utf-8"',
        "content-transfer-encoding": "7bit",
    }
    assert the_text(message) == "We have received your request.\n\nDesk support\n"


def test_a_reply_of_an_agent_is_not_automatic_and_bounces_come_back() -> None:
    mail = compose(a_reply(purpose="reply", automatic=False, loop=None, from_address="sales@desk.example"), OWN)
    message = parsed(mail)
    assert mail.envelope_from == "sales@desk.example"
    assert message["from"] == "Desk support <sales@desk.example>"
    assert message["reply-to"] == "sales+abc123@desk.example"
    assert "auto-submitted" not in message
    assert "x-deskstream-loop" not in message


def test_text_html_and_files_arrive_as_they_were() -> None:
    names = ["報告書 2026 — quarterly figures of the whole group, final version.pdf", 'a"b\\c.txt']
    attachments = [
        ReplyAttachment(name=name, media_type=kind, blob="x", size=1)
        for name, kind in zip(names, ["application/pdf", "message/rfc822"], strict=True)
    ]
    text, html = "Olá, recebemos o seu pedido.\n.\n.hidden\n", "<p>お問い合わせを受け付けました。</p>\n"
    mail = compose(a_reply(text=text, html=html, attachments=attachments), OWN, [b"\0\xff" * 500, b""])
    message = parsed(mail)
    assert the_text(message) == text
    assert the_text(message, "html") == html
    files = list(message.iter_attachments())
    assert [file.get_filename() for file in files] == names
    assert [file.get_content_type() for file in files] == ["application/pdf", "application/octet-stream"]
    assert [file.get_payload(decode=True) for file in files] == [b"\0\xff" * 500, b""]
    assert not message.defects


@pytest.mark.parametrize(
    "text", ["ascii only\n", "é" * 40 + "\n", "受付" * 900 + "\n", "a" * 5_000 + "\n", "mostly ascii é " * 200 + "\n"]
)
def test_every_text_fits_in_lines_that_every_server_takes(text: str) -> None:
    mail = compose(a_reply(text=text, subject="件名" * 100 + "x" * 2_000), OWN)
    assert mail.content.isascii()
    assert max(map(len, mail.content.split(b"\r\n"))) <= 998
    assert mail.content.endswith(b"\r\n")
    assert the_text(parsed(mail)) == text


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ("a..b@docomo.example", '"a..b"@docomo.example'),
        ("user@bücher.example", "user@xn--bcher-kva.example"),
        ("jörg@customer.example", "jörg@customer.example"),
        ('"john doe"@customer.example', '"john doe"@customer.example'),
    ],
)
def test_unusual_addresses_can_be_answered(given: str, expected: str) -> None:
    mail = compose(a_reply(recipient=Recipient(kind="email", address=given)), OWN)
    assert mail.recipient == expected
    assert mail.utf8 == (not expected.isascii())
    assert f"To: {expected}\r\n".encode() in mail.content


@pytest.mark.parametrize(
    "address",
    [
        "",
        "nobody",
        "a b@x.example",
        "a@b>c.example",
        "a@x.example, b@y.example",
        "<a@x.example>",
        "a\u2028b@x.example",
        "@x.example",
    ],
)
def test_what_is_no_address_is_refused(address: str) -> None:
    with pytest.raises(Refused):
        compose(a_reply(recipient=Recipient(kind="email", address=address)), OWN)


HEADER_FIELDS = ["subject", "from_name", "from_address", "message_id", "in_reply_to", "loop", "reply_token"]


@pytest.mark.parametrize("field", [*HEADER_FIELDS, "name", "address", "references", "filename"])
@pytest.mark.parametrize("bad", ["\r\nBcc: victim@x.example", "\nBcc: victim@x.example", "\rBcc: a", "\0"])
def test_a_line_break_in_a_header_value_is_refused(field: str, bad: str) -> None:
    value = f"a@b.example{bad}"
    given: dict[str, object] = {field: value}
    if field in ("name", "address"):
        given = {"recipient": Recipient(kind="email", **({"address": "a@b.example"} | {field: value}))}
    elif field == "references":
        given = {"references": [value]}
    elif field == "filename":
        given = {"attachments": [ReplyAttachment(name=value, media_type="text/plain", blob="x", size=1)]}
    with pytest.raises(Refused):
        compose(a_reply(**given), OWN, [b""] if field == "filename" else [])


wild = st.text(st.characters(exclude_categories=["Cs"]), max_size=120) | st.sampled_from(
    [
        "a: b\r\nBcc: x@y.example",
        "=?utf-8?q?a?=",
        "\x0b\x0cX: y",
        "\x85Bcc: z",
        "\u2028Bcc: z",
        " ",
        "x" * 3_000,
        "\x1c\x1d",
    ]
)


@settings(max_examples=300, deadline=None)
@given(
    subject=wild,
    from_name=wild,
    name=wild,
    loop=wild,
    parent=wild,
    references=st.lists(wild, max_size=4),
    token=wild,
    text=wild,
    html=st.none() | wild,
    filename=wild,
    language=wild,
)
def test_no_reply_can_add_a_header_and_its_bytes_are_always_the_same(
    subject: str,
    from_name: str,
    name: str,
    loop: str,
    parent: str,
    references: list[str],
    token: str,
    text: str,
    html: str | None,
    filename: str,
    language: str,
) -> None:
    reply = a_reply(
        subject=subject,
        from_name=from_name,
        loop=loop,
        in_reply_to=parent,
        references=references,
        text=text,
        html=html,
        reply_token=token,
        language=language,
        recipient=Recipient(kind="email", address="ana@customer.example", name=name),
        attachments=[ReplyAttachment(name=filename, media_type="text/plain", blob="x", size=1)],
    )
    try:
        mail = compose(reply, OWN, [b"bytes"])
    except Refused:
        return
    assert compose(reply.model_copy(), OWN, [b"bytes"]) == mail
    head, _, _ = mail.content.partition(b"\r\n\r\n")
    lines = head.replace(b"\r\n ", b" ").split(b"\r\n")
    assert {line.split(b":")[0].decode().lower() for line in lines} <= ALLOWED
    assert len(lines) == len({line.split(b":")[0] for line in lines})
    assert b"\0" not in mail.content
    assert b"\r" not in mail.content.replace(b"\r\n", b"")
    assert b"\n" not in mail.content.replace(b"\r\n", b"")
    assert max(map(len, mail.content.split(b"\r\n"))) <= 998
    message = email.message_from_bytes(mail.content, policy=email.policy.compat32)
    assert {key.lower() for key in message} <= ALLOWED
    assert not [defect for part in message.walk() for defect in part.defects]
    first = message.get_payload(0)
    assert isinstance(first, email.message.Message)
    shown = first if html is None else cast("email.message.Message", first.get_payload(0))
    data = shown.get_payload(decode=True)
    assert isinstance(data, bytes)
    normalized = text.replace("\r\n", "\n").replace("\r", "\n").replace("\0", "\ufffd")
    assert data.decode().replace("\r\n", "\n").removesuffix("\n") == normalized.removesuffix("\n")


@settings(max_examples=200, deadline=None)
@given(wild.filter(lambda text: not set(text) & set("\r\n\0")))
def test_the_subject_is_read_as_it_was_meant(subject: str) -> None:
    message = parsed(compose(a_reply(subject=subject), OWN))
    meant = "".join(" " if ord(c) < 32 or 127 <= ord(c) < 160 else c for c in subject)
    assert str(message["subject"]).split() == meant.split()
