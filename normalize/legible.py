"""What every string we hand out holds to: UTF-8 can carry it, and PostgreSQL can store it."""

import re

_CONTROLS = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]+")
_BREAKS = re.compile(r"[\t\n\v\f\r\x85\u2028\u2029]+")
_DIRECTION_MARKS = re.compile("[\u200e\u200f\u202a-\u202e\u2066-\u2069\u061c]")


def legible(text: str) -> str:
    """`text` with U+FFFD in place of U+0000 and of unpaired surrogates."""
    if "\0" in text:
        text = text.replace("\0", "\ufffd")
    if not text.isascii():
        try:
            text.encode()
        except UnicodeEncodeError:
            text = text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
    return text


def one_line(text: str) -> str:
    """`text` legible, without line breaks, tabs and control characters, stripped."""
    if text.isascii() and text.isprintable():
        return text.strip()
    return _CONTROLS.sub(" ", _BREAKS.sub(" ", legible(text))).strip()


def without_direction_marks(text: str) -> str:
    """`text` without the characters that reverse what follows: `exe.fdp` must not read as `pdf.exe`."""
    return text if text.isascii() else _DIRECTION_MARKS.sub("", text)
