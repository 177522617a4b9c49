"""Header blocks: where they end, folding, dirt between fields (normalize/headers.py)."""

import pytest

from normalize.headers import read_headers
from normalize.limits import HEADER_BLOCK_BYTES, HEADERS


def block(data: bytes) -> tuple[dict[str, str], bytes, str | None]:
    found = read_headers(data, 0, len(data))
    names = found.headers.names()
    return {name.decode(): found.headers.text(name) for name in names}, data[found.body :], found.limit


@pytest.mark.parametrize("end", [b"\n", b"\r\n"])
def test_folded_fields_lose_only_the_line_break(end: bytes) -> None:
    fields, body, _ = block(end.join([b"Subject: one", b"\ttwo", b" three", b"To: x", b"", b"body"]))
    assert fields == {"subject": "one\ttwo three", "to": "x"}
    assert body == b"body"


def test_mixed_line_ends() -> None:
    fields, body, _ = block(b"A: 1\r\nB: 2\nC: 3\r\n\r\nbody\n\nmore")
    assert fields == {"a": "1", "b": "2", "c": "3"}
    assert body == b"body\n\nmore"


def test_blank_before_the_colon() -> None:
    assert block(b"Subject : x\n\n")[0] == {"subject": "x"}


def test_dirt_between_fields_is_passed_over() -> None:
    fields, body, _ = block(b"From: a\nno field at all\nSubject: b\n\nbody")
    assert fields == {"from": "a", "subject": "b"}
    assert body == b"body"


def test_a_missing_empty_line_begins_the_body() -> None:
    fields, body, _ = block(b"From: a\nSubject: b\nHello, this is the text\nand more\n\nsecond paragraph")
    assert fields == {"from": "a", "subject": "b"}
    assert body.startswith(b"Hello, this is the text")


def test_no_fields_at_all() -> None:
    assert block(b"\nbody") == ({}, b"body", None)


def test_the_first_of_repeated_fields_counts() -> None:
    found = read_headers(b"Subject: one\nSubject: two\n\n", 0, 27).headers
    assert found.text(b"subject") == "one"
    assert found.raw_all(b"subject") == [b"one", b"two"]


def test_limits_are_named() -> None:
    assert block(b"Subject: " + b"x" * HEADER_BLOCK_BYTES)[2] == "header_bytes"
    assert block(b"X: y\n" * (HEADERS + 1) + b"\nbody")[2] == "headers"
    assert block(b"X: y\n" * HEADERS + b"\nbody")[2] is None


def test_a_parameter_that_was_folded_without_a_blank() -> None:
    fields, body, _ = block(b'Content-Type: a/b;\nname="x"\nSubject: s\n\nname=body')
    assert fields == {"content-type": 'a/b; name="x"', "subject": "s"}
    assert body == b"name=body"


def test_raw_japanese_escapes() -> None:
    assert block(b"Subject: \x1b$B$3$s\x1b(B\n\n")[0] == {"subject": "こん"}


def test_words_without_a_head_are_all_body() -> None:
    assert block(b"{\n not a field\n}\n\nx") == ({}, b"{\n not a field\n}\n\nx", None)


def test_nul_becomes_the_replacement_character() -> None:
    assert block(b"Subject: a\0b\n\n")[0] == {"subject": "a\ufffdb"}
