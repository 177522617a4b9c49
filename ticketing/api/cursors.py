"""Pages: where a list goes on. A cursor is the place of the last row shown, so that inserts move nothing. Pure.

It is opaque and not signed: whoever alters one begins elsewhere in what he may see anyway. It names the list it
belongs to (a digest of filter and order), so that one of another list is refused instead of showing nonsense.
"""

import base64
import binascii
import hashlib
import json
from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Any, Final

from fastapi import Query

from ticketing.api.problems import FieldProblem, Refused

MOST: Final = 200
LimitQuery = Annotated[int, Query(ge=1, le=MOST, description="At most so many.")]
CursorQuery = Annotated[
    str | None, Query(max_length=500, description="`next` of the page before; the other parameters as they were.")
]

Place = Sequence[int | str | None]


def list_id(*parts: object) -> str:
    """A digest of what makes a list: its filter, its order."""
    return hashlib.sha256(repr(parts).encode("utf-8", "replace")).hexdigest()[:12]


def to_cursor(of: str, place: Place) -> str:
    """The cursor that goes on after the row at `place` of the list `of`."""
    said = json.dumps([of, *place], separators=(",", ":"))
    return base64.urlsafe_b64encode(said.encode()).decode().rstrip("=")


def from_cursor(of: str, cursor: str | None, kinds: Sequence[type]) -> list[Any] | None:
    """The place a cursor names; None without one. `kinds`: of its parts (`int`, `str` or `datetime`; all may be null).

    Raises Refused when it is none of this list.
    """
    if cursor is None:
        return None
    try:
        said = json.loads(base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
        if not isinstance(said, list) or said[0] != of or len(said) != len(kinds) + 1:
            raise ValueError  # noqa: TRY301  # all that is wrong with a cursor is answered below
        return [_part(kind, value) for kind, value in zip(kinds, said[1:], strict=True)]
    except (ValueError, binascii.Error, IndexError, TypeError, OverflowError, RecursionError):
        error = FieldProblem(where=["query", "cursor"], detail="is no cursor of this list")
        raise Refused("invalid", "some values do not fit", errors=[error]) from None


def _part(kind: type, value: object) -> object:
    if value is None:
        return None
    if kind is datetime:
        if not isinstance(value, str):
            raise TypeError
        found = datetime.fromisoformat(value)
        if found.tzinfo is None:
            raise ValueError
        return found
    if type(value) is not kind or (isinstance(value, int) and abs(value) >= 1 << 62):
        raise TypeError
    if isinstance(value, str) and ("\0" in value or not value.isprintable()):
        raise ValueError
    return value
