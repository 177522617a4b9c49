"""Transactions on the driver's own connection, whose statements travel together until somebody asks for a result.

A batch is five to eight statements; on a busy machine each way to the database and back costs as much as its work.
"""

import contextlib
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from functools import cache
from typing import Any

import psycopg
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from metrics_worker.tables import SCHEMA

Driver = psycopg.AsyncConnection[Any]


async def driver(connection: AsyncConnection) -> Driver:
    """The driver's connection below one of SQLAlchemy's, in the same transaction."""
    raw = (await connection.get_raw_connection()).driver_connection
    assert isinstance(raw, psycopg.AsyncConnection)
    return raw


@asynccontextmanager
async def transaction(engine: AsyncEngine) -> AsyncIterator[Driver]:
    """One transaction in a pipeline: what is executed is on its way, what is fetched has come. Raises psycopg.Error."""
    async with engine.connect() as outer:
        connection = await driver(outer)
        try:
            async with connection.pipeline():
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
    cursor = await connection.execute(in_schema(schema, statement), values)
    return await cursor.fetchall()


async def sent(connection: Driver, statement: str, values: dict[str, Any], schema: str = SCHEMA) -> None:
    """A statement without a result; that it failed is heard of with the next result, at the latest at the end."""
    await connection.execute(in_schema(schema, statement), values)


@cache
def in_schema(schema: str, statement: str) -> bytes:
    """A statement on the tables of `metrics`, on those of the same names in another schema."""
    return statement.replace(f"{SCHEMA}.", f"{schema}.").encode()
