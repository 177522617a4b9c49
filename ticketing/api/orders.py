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
    "priority",
    "-priority",
]

DUE: Final = "t.due_at"
HAS_DUE, HAS_NO_DUE = "t.due_at IS NOT NULL", "t.due_at IS NULL"
"""A ticket without a due time comes after all that have one: few have, and they alone are indexed."""
RANKS: Final = {"low": 1, "normal": 2, "high": 3, "urgent": 4}
RANK: Final = "array_position(ARRAY['low', 'normal', 'high', 'urgent'], t.priority)"
"""A priority as a number, as it is indexed."""


class Order(NamedTuple):
    """`key`: what is sorted by beside the number, if anything is; `kind`: of its values; `down`: greatest first."""

    key: str | None
    kind: type
    down: bool

    @property
    def way(self) -> str:
        """For an ORDER BY."""
        return "DESC" if self.down else "ASC"

    @property
    def walked(self) -> str:
        """The ORDER BY that an index gives."""
        number = f"t.number {self.way}"
        return number if self.key is None else f"{self.key} {self.way}, {number}"

    @property
    def sorted(self) -> str:
        """The same ORDER BY in a form that no index gives: for rows that are few."""
        if self.key is None:
            return f"t.number + 0 {self.way}"
        nothing = "0" if self.kind is int else "interval '0'"
        return f"{self.key} + {nothing} {self.way}, t.number {self.way}"

    @property
    def shown(self) -> str:
        """The key as a column of the result, from which a cursor is made; null where there is none."""
        if self.key is None:
            return "NULL::bigint"
        return self.key

    def after(self, place: Sequence[Any]) -> tuple[str, dict[str, Any]]:
        """The condition that begins behind a place (key, number)."""
        key, number = place
        than = "<" if self.down else ">"
        if self.key is None:
            return f"t.number {than} CAST(:at_number AS bigint)", {"at_number": number}
        at = f"CAST(:at_key AS {'int' if self.kind is int else 'timestamptz'})"
        values = {"at_key": key, "at_number": number}
        return f"({self.key}, t.number) {than} ({at}, CAST(:at_number AS bigint))", values


NUMBER: Final = Order(None, int, down=False)


def order_of(sort: Sort) -> Order:
    """The order that a word stands for."""
    down, name = sort.startswith("-"), sort.removeprefix("-")
    if name == "number":
        return Order(None, int, down)
    if name == "priority":
        return Order(RANK, int, down)
    return Order(DUE if name == "due_at" else f"t.{name}", datetime, down)
