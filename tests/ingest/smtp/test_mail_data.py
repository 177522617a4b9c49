"""Where a mail's data ends, whatever it is cut into, and what does not end it."""

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from ingest.smtp.mail_data import MailData

_PIECES = st.lists(
    st.sampled_from([b"\r", b"\n", b".", b"\r\n", b"..", b"a", b"\r\n.", b"\n.\n", b"\r.\r", b"\x00"]), max_size=30
).map(b"".join)


def _fed(data: bytes, cuts: list[int], limit: int = 1_000) -> tuple[MailData, bytes | None]:
    collected, begin, rest = MailData(limit), 0, None
    for end in [*sorted({min(cut, len(data)) for cut in cuts}), len(data)]:
        if rest is not None:
            rest += data[begin:end]
        else:
            rest = collected.feed(data[begin:end])
        begin = end
    return collected, rest


def _stuffed(mail: bytes) -> bytes:
    return (b"." if mail.startswith(b".") else b"") + mail.replace(b"\r\n.", b"\r\n..")


@given(mail=_PIECES, rest=_PIECES, cuts=st.lists(st.integers(0, 80), max_size=8))
@example(mail=b".", rest=b"", cuts=[1, 2, 3])
@example(mail=b"\r\n.\n.\r\n", rest=b"QUIT\r\n", cuts=[4])
def test_what_was_sent_is_what_comes_out(mail: bytes, rest: bytes, cuts: list[int]) -> None:
    line_ended = mail.endswith(b"\r\n")
    whole = mail if line_ended or not mail else mail + b"\r\n"
    collected, after = _fed(_stuffed(whole) + b".\r\n" + rest, cuts)
    assert after == rest
    assert collected.content() == whole


@pytest.mark.parametrize(
    "end",
    [
        b"\n.\n",
        b"\n.\r\n",
        b"\r.\r",
        b"\r\n.\r",
        b"\r\n.\n",
        b"\r.\r\n",
        b"\n\n.\r\n",
        b"\r\n.\r\r\n",
        b"\r\n\x00.\r\n",
    ],
)
def test_only_crlf_dot_crlf_ends_a_mail(end: bytes) -> None:
    smuggled = b"Subject: one\r\n\r\nfirst" + end + b"MAIL FROM:<evil@x.example>\r\nRCPT TO:<a@b.example>\r\nDATA\r\n"
    collected = MailData(10_000)
    assert collected.feed(smuggled) is None
    assert collected.feed(b"still the first mail\r\n.\r\n") == b""
    assert b"MAIL FROM:<evil@x.example>" in collected.content()


def test_bare_line_ends_stay_as_they_are() -> None:
    collected, _ = _fed(b"a\nb\rc\r\n.\r\n", [])
    assert collected.content() == b"a\nb\rc\r\n"


def test_an_empty_mail() -> None:
    collected, rest = _fed(b".\r\nRSET\r\n", [1])
    assert collected.content() == b""
    assert rest == b"RSET\r\n"


def test_the_limit_counts_no_dots_of_transparency() -> None:
    mail = b".\r\n" * 100
    collected, rest = _fed(_stuffed(mail) + b".\r\n", [], limit=300)
    assert rest == b""
    assert not collected.too_much
    assert collected.content() == mail
    collected, rest = _fed(_stuffed(mail + b"x\r\n") + b".\r\n", [], limit=300)
    assert rest == b""
    assert collected.too_much


def test_what_exceeds_the_limit_is_not_kept_in_memory_and_its_end_is_still_found() -> None:
    collected = MailData(1_000)
    for _ in range(50):
        assert collected.feed(b"x" * 998 + b"\r\n") is None
        assert len(collected) < 3_000
    assert collected.feed(b".\r\nQUIT\r\n") == b"QUIT\r\n"
    assert collected.too_much


@given(cuts=st.lists(st.integers(0, 60), max_size=10))
def test_the_end_of_a_mail_that_is_too_large_is_found_wherever_it_is_cut(cuts: list[int]) -> None:
    collected, rest = _fed(b"0123456789\r\n" * 3 + b"tail\r\n.\r\nNOOP\r\n", cuts, limit=5)
    assert rest == b"NOOP\r\n"
    assert collected.too_much
