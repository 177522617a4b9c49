"""Many rows in one statement: a table's columns as arrays."""

import json
import struct
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql as pg
from sqlalchemy.ext.asyncio import AsyncConnection

from bus.together import Executes
from ticketing.database import Array, binary_array

_EPOCH = datetime(2000, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_int4, _int8 = struct.Struct(">i").pack, struct.Struct(">q").pack


def _time(value: datetime) -> bytes:
    return _int8((value - _EPOCH) // _MICROSECOND)


def _json(value: object) -> bytes:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()


def _bool(value: bool) -> bytes:  # an encoder of one value
    return b"\1" if value else b"\0"


def _uuid(value: UUID) -> bytes:
    return value.bytes


def _texts(value: Sequence[str]) -> bytes:
    """An array inside an array travels as its literal: PostgreSQL's own are rectangular."""
    return ("{" + ",".join('"' + v.replace("\\", "\\\\").replace('"', '\\"') + '"' for v in value) + "}").encode()


class _Form:
    """How the values of one SQL type travel: array and element type, encoder, and what the SELECT makes of them."""

    def __init__(self, array: int, element: int, encode: Callable[[Any], bytes], name: str, chosen: str = "{}") -> None:
        self.array, self.element, self.encode, self.name, self.chosen = array, element, encode, name, chosen


_FORMS: tuple[tuple[type[Any], _Form], ...] = (
    (pg.ARRAY, _Form(1009, 25, _texts, "text", "CAST({} AS text[])")),
    (pg.JSONB, _Form(1009, 25, _json, "text", "CAST({} AS jsonb)")),
    (sa.UUID, _Form(2951, 2950, _uuid, "uuid")),
    (sa.Boolean, _Form(1000, 16, _bool, "bool")),
    (sa.BigInteger, _Form(1016, 20, _int8, "int8")),
    (sa.Integer, _Form(1007, 23, _int4, "int4")),
    (sa.DateTime, _Form(1185, 1184, _time, "timestamptz")),
    (sa.Text, _Form(1009, 25, str.encode, "text")),
)


def _form(column: sa.Column[Any]) -> _Form:
    for kind, form in _FORMS:
        if isinstance(column.type, kind):
            return form
    raise TypeError(f"{column} has no array form")


def encode(column: sa.Column[Any], values: Iterable[object]) -> Array:
    """A column of values, None for null. Raises ValueError for text that PostgreSQL cannot hold (U+0000)."""
    form = _form(column)
    return binary_array(form.array, form.element, [None if v is None else form.encode(v) for v in values])


def texts(values: Iterable[str | None]) -> Array:
    """A text[] parameter."""
    return binary_array(1009, 25, [None if v is None else v.encode() for v in values])


def uuids(values: Iterable[UUID]) -> Array:
    """A uuid[] parameter."""
    return binary_array(2951, 2950, [v.bytes for v in values])


def times(values: Iterable[datetime | None]) -> Array:
    """A timestamptz[] parameter."""
    return binary_array(1185, 1184, [None if v is None else _time(v) for v in values])


def source(columns: Sequence[sa.Column[Any]]) -> tuple[str, str]:
    """`unnest(…) AS n(…)` of one parameter per column, and the SELECT list that gives the columns their types."""
    arrays = ", ".join(f"CAST(:{c.name} AS {_form(c).name}[])" for c in columns)
    names = ", ".join(_quoted(c.name) for c in columns)
    chosen = ", ".join(_form(c).chosen.format(f"n.{_quoted(c.name)}") for c in columns)
    return f"unnest({arrays}) AS n({names})", chosen


@lru_cache(maxsize=256)
def _insert(table: sa.Table, names: tuple[str, ...], suffix: str) -> sa.TextClause:
    columns = [table.c[name] for name in names]
    unnest, chosen = source(columns)
    listed = ", ".join(_quoted(c.name) for c in columns)
    # the names are our own tables' and columns'
    return sa.text(f"INSERT INTO {table.fullname} ({listed}) SELECT {chosen} FROM {unnest} {suffix}")  # noqa: S608


def _quoted(name: str) -> str:
    return f'"{name}"'


async def insert_rows(
    connection: Executes,
    table: sa.Table,
    rows: Sequence[Mapping[str, object]] | Sequence[object],
    *,
    suffix: str = "",
) -> None:
    """One INSERT for all rows, in their order (ids from a sequence are drawn in that order).

    `rows`: all mappings with the same keys, or all values with attributes of one class; what they do not name
    takes the table's default. `suffix`: e.g. `ON CONFLICT DO NOTHING`.
    """
    if not rows:
        return
    first = rows[0]
    if isinstance(first, Mapping):
        names = tuple(first)
        values = {name: [row[name] for row in rows] for name in names}  # type: ignore[index]
    else:
        names = tuple(name for name in table.c.keys() if hasattr(first, name))  # noqa: SIM118  # not a dict
        values = {name: [getattr(row, name) for row in rows] for name in names}
    statement = _insert(table, names, suffix)
    await connection.execute(statement, {name: encode(table.c[name], values[name]) for name in names})


async def selected(connection: AsyncConnection, query: sa.TextClause, **values: object) -> Sequence[Any]:
    """All rows of a query."""
    return (await connection.execute(query, values)).all()


@lru_cache(maxsize=64)
def _update(table: sa.Table, names: tuple[str, ...]) -> sa.TextClause:
    unnest, chosen = source([table.c[name] for name in names])
    sets = ", ".join(f"{name} = n.{name}" for name in names[1:])
    rows_of = f"(SELECT {chosen} FROM {unnest}) AS n({', '.join(names)})"  # noqa: S608  # our own names
    return sa.text(f"UPDATE {table.fullname} AS t SET {sets} FROM {rows_of} WHERE t.id = n.id")  # noqa: S608  # our own names


async def change(connection: Executes, table: sa.Table, names: tuple[str, ...], rows: Sequence[object]) -> None:
    """Update whole columns of rows by their id, the first of the names."""
    if rows:
        values = {name: encode(table.c[name], [getattr(row, name) for row in rows]) for name in names}
        await connection.execute(_update(table, names), values)
