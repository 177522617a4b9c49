"""What stands before a mail begins (normalize/front.py)."""

import pytest

from normalize.front import skip_front, with_line_feeds

MBOX = "From a@b Mon Jan  1 00:00:00 2026\n"


@pytest.mark.parametrize("front", ["", "\ufeff", "\n", "\r\n \r\n", MBOX, ">" + MBOX, "\n" + MBOX])
@pytest.mark.parametrize("field", ["From: a@b\n", "From : a@b\n", "X-Y: From z\n"])
def test_the_first_field_is_found(front: str, field: str) -> None:
    mail = f"{front}{field}\nbody".encode()
    assert mail[skip_front(mail) :].decode() == f"{field}\nbody"


def test_a_first_field_behind_a_blank() -> None:
    assert skip_front(b" \tFrom: a@b\n\nbody") == 2
    assert skip_front(b"  only words") == 0


def test_only_bare_carriage_returns_are_replaced() -> None:
    assert with_line_feeds(b"A: b\rC: d\r\rx") == b"A: b\nC: d\n\nx"
    assert with_line_feeds(b"A: b\r\nC: d\r\r\n") == b"A: b\r\nC: d\r\r\n"
