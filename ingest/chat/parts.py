"""A text in parts that a provider takes. Pure."""

from collections.abc import Sequence

_BREAKS = ("\n\n", "\n", " ")


def units(text: str) -> int:
    """Its length in UTF-16 units, as providers count; more than one for an emoji."""
    return len(text) + sum(1 for c in text if ord(c) > 0xFFFF)


def parts(text: str, most: int) -> Sequence[str]:
    """None longer than `most` units: broken between paragraphs, lines or words where that loses less than half."""
    found = []
    left = text.strip()
    while units(left) > most:
        head = _head(left, most)
        cut = next((at for each in _BREAKS if (at := head.rfind(each)) > len(head) // 2), len(head))
        found.append(left[:cut].rstrip())
        left = left[cut:].lstrip()
    return [each for each in (*found, left) if each]


def _head(text: str, most: int) -> str:
    """As many whole characters as fit."""
    used = 0
    for at, c in enumerate(text):
        used += 2 if ord(c) > 0xFFFF else 1
        if used > most:
            return text[:at]
    return text
