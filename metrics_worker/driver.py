"""Transactions on the driver's own connection, with few ways to the database and back.

On a busy machine each way costs as much as the work. Reading begins the transaction on the same way; all writing of a
batch is one statement. A pipeline would do the same, but a process that freezes within one keeps its locks for ever:
the server's limit for transactions at rest does not count there.
"""

import contextlib
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from functools import cache
from typing import Any, NamedTuple

import psycopg
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from metrics_worker.tables import SCHEMA

Driver = psycopg.AsyncConnection[Any]


class Part(NamedTuple):
    """One of the statements that are written together: it modifies a table, or returns rows. No two share a `name`."""

    name: str
    statement: str
    values: dict[str, Any]


async def driver(connection: AsyncConnection) -> Driver:
    """The driver's connection below one of SQLAlchemy's, in the same transaction."""
    raw = (await connection.get_raw_connection()).driver_connection
    assert isinstance(raw, psycopg.AsyncConnection)
    return raw


@asynccontextmanager
async def transaction(engine: AsyncEngine) -> AsyncIterator[Driver]:
    """One transaction. Raises psycopg.Error."""
    async with engine.connect() as outer:
        connection = await driver(outer)
        try:
            yield connection
            await connection.commit()
        except BaseException:
            with contextlib.suppress(psycopg.Error):
                await connection.rollback()
            raise


async def fetched(
    connection: Driver, statement: str, values: dict[str, Any], schema: str = SCHEMA
) -> Sequence[tuple[Any, ...]]:
    """All rows of a statement on the tables of `metrics`, or of those of the same names in another schema."""
    async with connection.pipeline():  # BEGIN on the same way; nothing is locked yet, and it ends here
        cursor = await connection.execute(_encoded(statement, schema), values)
    return await cursor.fetchall()


async def written(connection: Driver, parts: Sequence[Part], *, counting: str, schema: str = SCHEMA) -> int:
    """Execute all parts as one statement; how many rows the part called `counting` returns (0 when it is not there)."""
    if not parts:
        return 0
    counted = f"SELECT count(*) FROM {counting}" if any(part.name == counting for part in parts) else "SELECT 0"  # noqa: S608  # our own
    statement = _together(tuple(part[:2] for part in parts), counted)
    values = {f"{part.name}_{name}": value for part in parts for name, value in part.values.items()}
    cursor = await connection.execute(_encoded(statement, schema), values)
    [[count]] = await cursor.fetchall()
    return int(count)


@cache
def _together(parts: tuple[tuple[str, str], ...], counted: str) -> str:
    each = (f"{name} AS ({statement.replace('%(', f'%({name}_')})" for name, statement in parts)
    return f"WITH {', '.join(each)} {counted}"


@cache
def _encoded(statement: str, schema: str) -> bytes:
    return statement.replace(f"{SCHEMA}.", f"{schema}.").encode()
