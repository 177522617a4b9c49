"""The orders a ticket list can have: the ticket's number comes last, so that no two rows stand at one place. Pure."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final, Literal, NamedTuple

Sort = Literal[
    "number",
    "-number",
    "opened_at",
    "-opened_at",
    "updated_at",
    "-updated_at",
    "last_message_at",
    "-last_message_at",
    "due_at",
    "-due_at",
    "priority",
    "-priority",
]

_FAR: Final = "'infinity'::timestamptz"
RANK: Final = "(CASE t.priority WHEN 'urgent' THEN 3 WHEN 'high' THEN 2 WHEN 'normal' THEN 1 ELSE 0 END)"


class Order(NamedTuple):
    """`key`: what is sorted by beside the number, None when that is all; `kind`: of its values; `down`: greatest first.

    A ticket without a due time comes after all that have one, whichever way round.
    """

    key: str | None
    kind: type
    down: bool

    @property
    def sql(self) -> str:
        """For an ORDER BY."""
        way = "DESC" if self.down else "ASC"
        return f"t.number {way}" if self.key is None else f"{self.key} {way}, t.number {way}"

    @property
    def shown(self) -> str:
        """The key as a column of the result, from which a cursor is made."""
        return "NULL::bigint" if self.key is None else f"nullif({self.key}, {self.nothing})"

    @property
    def nothing(self) -> str:
        """The key of a row that has none."""
        if self.kind is int:
            return "-1"
        return "'-infinity'::timestamptz" if self.down else _FAR

    def after(self, place: Sequence[Any]) -> tuple[str, dict[str, Any]]:
        """The condition that begins behind a place (key, number)."""
        key, number = place
        than = "<" if self.down else ">"
        if self.key is None:
            return f"t.number {than} CAST(:at_number AS bigint)", {"at_number": number}
        cast = "int" if self.kind is int else "timestamptz"
        at = f"coalesce(CAST(:at_key AS {cast}), {self.nothing})"
        return f"({self.key}, t.number) {than} ({at}, CAST(:at_number AS bigint))", {
            "at_key": key,
            "at_number": number,
        }


def order_of(sort: Sort) -> Order:
    """The order that a word stands for."""
    down, name = sort.startswith("-"), sort.removeprefix("-")
    if name == "number":
        return Order(None, int, down)
    if name == "priority":
        return Order(RANK, int, down)
    if name == "due_at":
        edge = "'-infinity'::timestamptz" if down else _FAR
        return Order(f"coalesce(t.due_at, {edge})", datetime, down)
    return Order(f"t.{name}", datetime, down)
