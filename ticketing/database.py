"""How ticketing reaches PostgreSQL: with arrays that travel in PostgreSQL's binary form."""

from collections.abc import Sequence
from dataclasses import dataclass

from psycopg.abc import AdaptContext, DumperKey
from psycopg.adapt import Dumper, PyFormat
from psycopg.pq import Format
from sqlalchemy.ext.asyncio import AsyncEngine

from bus.database import BY_FEW_KEYS, working_engine

_NULL = b"\xff\xff\xff\xff"
_LENGTHS = [length.to_bytes(4, "big") for length in range(256)]


@dataclass(frozen=True, slots=True)
class Array:
    """A one-dimensional array in the wire's binary form, with its type's oid."""

    oid: int
    data: bytes


def binary_array(array_oid: int, element_oid: int, items: Sequence[bytes | None]) -> Array:
    """The array of elements that are already in their binary form (PostgreSQL: array_recv)."""
    parts: list[bytes] = []
    nulls = False
    for item in items:
        if item is None:
            nulls = True
            parts.append(_NULL)
        else:
            length = len(item)
            parts += (_LENGTHS[length] if length < 256 else length.to_bytes(4, "big"), item)
    head = b"".join(number.to_bytes(4, "big") for number in (1, nulls, element_oid, len(items), 1))
    return Array(array_oid, head + b"".join(parts))


class _ArrayDumper(Dumper):
    format = Format.BINARY

    def __init__(self, cls: type, context: AdaptContext | None = None, oid: int = 0) -> None:
        super().__init__(cls, context)
        self.oid = oid

    def get_key(self, obj: Array, format: PyFormat) -> DumperKey:  # noqa: A002, ARG002  # psycopg's form
        return (self.cls, obj.oid)  # type: ignore[return-value]  # any hashable serves

    def upgrade(self, obj: Array, format: PyFormat) -> Dumper:  # noqa: A002, ARG002  # psycopg's form
        return _ArrayDumper(self.cls, None, obj.oid)

    def dump(self, obj: Array) -> bytes:
        return obj.data


def engine(url: str, *, pool: int = 5) -> AsyncEngine:
    """The engine every part of ticketing uses (bus.database.working_engine)."""
    return working_engine(url, "deskstream-ticketing", pool=pool, dumpers={Array: _ArrayDumper})


def acting_engine(url: str, *, pool: int = 5) -> AsyncEngine:
    """For acts, of which each is about one ticket: planning their statements anew cost more than doing them."""
    return working_engine(url, "deskstream-api", pool=pool, dumpers={Array: _ArrayDumper}, options=BY_FEW_KEYS)


def looking_engine(url: str, *, pool: int = 5) -> AsyncEngine:
    """For lists by any filter: planned by what the tables hold, and ended when they take too long after all. Every
    statement stands by itself: nothing is to be committed."""
    return working_engine(
        url,
        "deskstream-api",
        pool=pool,
        dumpers={Array: _ArrayDumper},
        options="-c plan_cache_mode=force_custom_plan -c jit=off -c statement_timeout=15s",
        alone=True,
    )
