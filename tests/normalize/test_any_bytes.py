"""Whatever bytes come, there is a message that can be published (hypothesis)."""

import json
import re

from hypothesis import example, given, settings
from hypothesis import strategies as st

from bus.message import NormalizedMessage
from normalize.reply_text import reply_text
from tests.normalize.letters import understand

PIECES = st.sampled_from([
    b"From: ", b"To: ", b"Subject: ", b"Date: ", b"Message-ID: <", b"Content-Type: ",
    b"multipart/mixed; boundary=b", b"text/html; charset=", b"text/plain; format=flowed", b"utf-7",
    b"iso-2022-jp", b"gb2312", b"Content-Transfer-Encoding: ", b"base64", b"quoted-printable", b"x-uuencode",
    b"\n", b"\r\n", b"\r", b"\n\n", b"--b\n", b"--b--", b"=?utf-8?B?", b"?=", b"=", b"\"", b"(", b")", b"<", b">",
    b"@", b",", b";", b":", b"> ", b"\x1b$B", b"\x00", b"\xff", b"\xed\xa0\x80", b"+2AA-",
    b"On 1 Nov 2026, A wrote:\n", b"-- \n", b"begin 644 a\n", b"end\n", b"<div>", b"<blockquote>", b"&#xD800;",
    b"a b c d e f ", b"message/delivery-status", b"multipart/report; boundary=b", b"Final-Recipient: rfc822; ",
    b"name*0*=utf-8''%ed", b"Return-Path: <>",
])  # fmt: skip


_NUL = re.compile(rb"(?<!\\)(?:\\\\)*\\u0000")
"""NUL as JSON writes it, which PostgreSQL takes in no text; behind two backslashes it is what somebody wrote."""


@settings(max_examples=400, deadline=None)
@given(
    st.one_of(st.binary(max_size=400), st.lists(st.one_of(PIECES, st.binary(max_size=6)), max_size=40).map(b"".join))
)
@example(b"\\u0000")
@example(b"\x1c\nOn 0 wrote")
def test_every_input_gives_a_message_that_can_be_published(data: bytes) -> None:
    outcome = understand(data)
    message = outcome.message
    value = message.to_json()
    assert not _NUL.search(value)
    assert NormalizedMessage.from_json(value) == message
    assert json.loads(value)["message_id"] == understand(data).message.message_id
    if isinstance(message.text, str) and isinstance(message.reply_text, str) and message.text.strip():
        assert message.reply_text.strip()
    assert "unparseable" not in message.warnings


@settings(max_examples=200, deadline=None)
@given(st.text(alphabet="ab >:-_\n<@.1", max_size=300))
def test_reply_text_is_never_empty_and_only_takes_away(text: str) -> None:
    reply = reply_text(text)
    assert bool(reply.strip()) == bool(text.strip())
    assert set(reply.split()) <= set(text.split())


@settings(max_examples=200, deadline=None)
@given(
    st.lists(st.one_of(PIECES.filter(lambda piece: b"\r" not in piece), st.binary(max_size=6)), max_size=30).map(
        b"".join
    )
)
def test_line_ends_make_no_difference(data: bytes) -> None:
    unix = b"From: a@b.example\nSubject: s\n" + data.replace(b"\r", b"")
    lf, crlf = understand(unix).message, understand(unix.replace(b"\n", b"\r\n")).message
    assert (lf.subject, lf.author, lf.text, lf.reply_text) == (crlf.subject, crlf.author, crlf.text, crlf.reply_text)
