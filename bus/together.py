"""Statements that go to PostgreSQL together: one way there and back for all of them, not one for each.

A transaction of twenty small statements is mostly waiting: each is a wake-up of the server and one of ours. PostgreSQL
takes the next statement before it has answered the last (its pipeline mode) and runs them in their order, each seeing
what those before it did.
"""

from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any, Protocol, TypeAlias

import psycopg
import sqlalchemy as sa
from psycopg.rows import namedtuple_row
from sqlalchemy.dialects.postgresql.psycopg import PGDialectAsync_psycopg
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncConnection

Statement: TypeAlias = tuple[sa.TextClause | str, Mapping[str, object]]
"""A statement, as SQLAlchemy's text or in the driver's own form, with its values."""

_DIALECT = PGDialectAsync_psycopg()  # type: ignore[no-untyped-call]  # SQLAlchemy's own


class Executes(Protocol):
    """Whatever takes a statement of which nobody needs the answer: a connection, or Writes."""

    async def execute(self, statement: sa.TextClause, parameters: Mapping[str, Any], /) -> object: ...


class Writes:
    """Statements that wait to be sent together; none is executed before `send`."""

    def __init__(self) -> None:
        self._waiting: list[Statement] = []

    async def execute(self, statement: sa.TextClause, parameters: Mapping[str, Any], /) -> int:
        """Keep it for `send`; its place among what that gives."""
        self._waiting.append((statement, parameters))
        return len(self._waiting) - 1

    async def send(self, connection: AsyncConnection) -> list[list[Any]]:
        """Execute all, in their order; the rows of each. Raises DBAPIError."""
        waiting, self._waiting = self._waiting, []
        return await together(connection, waiting) if waiting else []


async def together(connection: AsyncConnection, statements: Sequence[Statement | None]) -> list[list[Any]]:
    """Execute all in their order, in the connection's transaction; the rows of each, none where it is None.

    Raises DBAPIError for the first that fails; none behind it takes effect.
    """
    driver = (await connection.get_raw_connection()).driver_connection
    assert isinstance(driver, psycopg.AsyncConnection)
    try:
        async with driver.pipeline():
            cursors = [
                statement
                and await driver.cursor(row_factory=namedtuple_row).execute(_driver_form(statement[0]), statement[1])
                for statement in statements
            ]
        return [await cursor.fetchall() if cursor and cursor.description else [] for cursor in cursors]
    except psycopg.Error as error:
        raise DBAPIError.instance("several statements", {}, error, psycopg.Error, dialect=_DIALECT) from error


@lru_cache(maxsize=512)
def _driver_form(statement: sa.TextClause | str) -> str:
    return statement if isinstance(statement, str) else str(statement.compile(dialect=_DIALECT))
