"""The way to PostgreSQL: one pool per process, and arrays that travel in PostgreSQL's binary form."""

from collections.abc import Sequence
from dataclasses import dataclass

import psycopg
from psycopg.abc import AdaptContext, DumperKey
from psycopg.adapt import AdaptersMap, Dumper, PyFormat
from psycopg.pq import Format
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

_IDLE_IN_TRANSACTION = "10s"
"""A frozen process gives its locks back after this (reliability: Frozen leaders)."""


BY_KEYS = (
    # a plan made for one batch's arrays does not fit the next one's; compiling plans never pays here
    "-c plan_cache_mode=force_custom_plan -c jit=off "
    # all that is asked here is asked by keys; a planner that has no statistics yet would rather read whole tables
    "-c enable_seqscan=off -c enable_hashjoin=off -c enable_mergejoin=off"
)
"""Options of a session whose queries all go by keys, of which there are few beside the rows of a table."""

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


class _Adaptation:
    """What psycopg takes as a context: the adapters, and no connection yet."""

    connection = None

    def __init__(self) -> None:
        self.adapters = AdaptersMap(psycopg.adapters)
        self.adapters.register_dumper(Array, _ArrayDumper)


def engine(url: str, *, pool: int = 5) -> AsyncEngine:
    """The engine every part of ticketing uses; at most `pool` connections. Nothing is opened before it is used."""
    return create_async_engine(
        url,
        pool_size=pool,
        max_overflow=0,
        pool_timeout=20,
        pool_use_lifo=True,
        connect_args={
            "context": _Adaptation(),
            "connect_timeout": 5,
            "client_encoding": "utf8",
            "prepare_threshold": 2,
            "application_name": "deskstream-ticketing",
            "options": f"-c idle_in_transaction_session_timeout={_IDLE_IN_TRANSACTION} -c timezone=UTC {BY_KEYS}",
        },
    )
