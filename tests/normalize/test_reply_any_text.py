"""What must hold for a reply whatever the text (normalize/reply_text.py): nothing made up, linear work."""

import sys
from types import FrameType
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from normalize.reply_text import reply_text

PIECES = st.sampled_from([
    "\n", "\n\n", "> ", ">> ", "x", "Mine.", " ", "--", "-- ", "____", "---", "*", "：", "12:03", "\t",
    "On 2 Nov 2026, Anna <a@b.example> wrote:", "On 2 Nov 2026,", "wrote:", "<a@b.example",
    ">:", "在 2026年 写道：",
    "From: a@b.example", "Sent: Monday", "To: c", "Subject: d", "-----Original Message-----",
    "Begin forwarded message:",
    "Sent from my iPhone", "This message is confidential", "Disclaimer", "CAUTION: outside", "Previous Replies", "&gt;",
    "AB> ", "-Anna", "\u1427", "\ufeff", "\u200f", "\x0b", "\x85", "\u2028",
    "在 2026年 写道：",
])  # fmt: skip
TEXTS = st.lists(PIECES | st.text(max_size=6), max_size=60).map("".join)


@settings(max_examples=150, deadline=None)
@given(TEXTS)
def test_a_reply_is_a_part_of_the_text_and_never_empty_when_the_text_is_not(text: str) -> None:
    reply = reply_text(text)
    assert bool(reply.strip()) == bool(text.strip()) or not text.strip()
    written = [line.strip() for line in text.replace("\r\n", "\n").split("\n")]
    position = 0
    for line in reply.split("\n"):
        wanted = line.strip()
        while position < len(written) and not written[position].endswith(wanted) and wanted not in written[position]:
            position += 1
        assert position < len(written), "lines stay in their order, and none is made up"
    assert reply_text(text) == reply


def steps(text: str) -> int:
    """Lines of our own code that run for a text."""
    count = 0

    def count_line(frame: FrameType, event: str, argument: object) -> Any:  # noqa: ANN401 - it returns itself
        nonlocal count
        if "normalize" in frame.f_code.co_filename:
            count += 1
            return count_line
        return None

    before = sys.gettrace()
    sys.settrace(count_line)
    try:
        reply_text(text)
    finally:
        sys.settrace(before)
    return count


@settings(max_examples=40, deadline=None)
@given(st.lists(PIECES, min_size=1, max_size=8).map("".join))
def test_twice_the_text_is_twice_the_work(unit: str) -> None:
    once = steps((unit + "\n") * 60)
    assert steps((unit + "\n") * 120) <= 2.5 * once + 400


@pytest.mark.parametrize("unit", ["_____\n\n", "> a\n", "-Anna\n\n", "On 2 Nov 2026, A wrote:\n\n", "From: a\nx\n"])
def test_the_work_of_what_looks_like_something_is_linear(unit: str) -> None:
    assert steps(unit * 800) <= 2.2 * steps(unit * 400) + 400
