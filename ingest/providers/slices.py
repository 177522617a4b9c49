"""Items of a provider's JSON answer, each with the bytes it came in: a raw record is what the source gave."""

import json
from collections.abc import Sequence
from typing import Any

from bus.errors import Retryable

_DECODER = json.JSONDecoder()
_SPACE = " \t\r\n"


def slices(body: bytes, *path: str) -> Sequence[tuple[Any, bytes]]:
    """Value and bytes of each item of the list that stands at `path` in the object; none when nothing stands there.

    Raises Retryable (`contract`) for what is not an object of JSON.
    """
    try:
        text = body.decode("utf-8")
        at = text.index("{") if text.lstrip(_SPACE).startswith("{") else len(text)
        for name in path:
            found = _member(text, at, name)
            if found is None:
                return []
            at = found
        return _items(text, at)
    except (ValueError, RecursionError, StopIteration, IndexError):
        raise Retryable("an answer that is not JSON", kind="contract") from None


def _skip(text: str, at: int) -> int:
    while at < len(text) and text[at] in _SPACE:
        at += 1
    return at


def _member(text: str, at: int, name: str) -> int | None:
    """Where the value of this member of the object at `at` begins."""
    if text[at] != "{":
        return None
    at = _skip(text, at + 1)
    while text[at] != "}":
        if text[at] != '"':
            raise ValueError("a name was expected")
        key, at = _DECODER.raw_decode(text, at)
        at = _skip(text, at)
        if text[at] != ":":
            raise ValueError("a colon was expected")
        at = _skip(text, at + 1)
        if key == name:
            return at
        _, at = _DECODER.raw_decode(text, at)
        at = _next(text, at)
    return None


def _items(text: str, at: int) -> list[tuple[Any, bytes]]:
    if text[at] != "[":
        return []
    found = []
    at = _skip(text, at + 1)
    while text[at] != "]":
        value, end = _DECODER.raw_decode(text, at)
        found.append((value, text[at:end].encode("utf-8")))
        at = _next(text, end)
    return found


def _next(text: str, at: int) -> int:
    at = _skip(text, at)
    return _skip(text, at + 1) if text[at] == "," else at
