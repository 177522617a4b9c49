"""Statements sent together on a real PostgreSQL: their order, their rows, and what fails."""

from collections.abc import AsyncIterator

import pytest
import sqlalchemy as sa
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncEngine

from bus.database import working_engine
from bus.errors import Invalid, Retryable
from bus.progress import database_error
from bus.together import Writes, together
from tests.conftest import Stack

pytestmark = pytest.mark.stack

_PUT = sa.text("INSERT INTO kept (n) SELECT unnest(CAST(:n AS int[])) RETURNING n")
_ALL = "SELECT n, n %% 2 AS odd FROM kept ORDER BY n"


@pytest.fixture
async def engine(stack: Stack) -> AsyncIterator[AsyncEngine]:
    engine = working_engine(stack.new_database(), "together", pool=1)
    async with engine.begin() as connection:
        await connection.execute(sa.text("CREATE TABLE kept (n int PRIMARY KEY)"))
    yield engine
    await engine.dispose()


async def test_each_sees_what_those_before_it_did_and_gives_its_rows(engine: AsyncEngine) -> None:
    async with engine.begin() as connection:
        rows = await together(connection, [(_ALL, {}), (_PUT, {"n": [2, 1]}), None, (_ALL, {})])
    assert [[tuple(row) for row in each] for each in rows] == [[], [(2,), (1,)], [], [(1, 1), (2, 0)]]
    assert rows[3][0].odd == 1
    async with engine.begin() as connection:
        assert len((await connection.exec_driver_sql(_ALL)).all()) == 2


async def test_the_first_that_fails_is_named_and_nothing_remains(engine: AsyncEngine) -> None:
    with pytest.raises(DBAPIError, match="kept_pkey") as caught:
        async with engine.begin() as connection:
            await together(connection, [(_PUT, {"n": [1]}), (_PUT, {"n": [1]}), ("SELECT * FROM nowhere", {})])
    assert isinstance(database_error(caught.value), Invalid)
    async with engine.begin() as connection:  # the only connection there is: it is sound again
        assert await together(connection, [(_ALL, {})]) == [[]]


async def test_a_server_that_goes_away_is_worth_another_try(engine: AsyncEngine) -> None:
    with pytest.raises(DBAPIError) as caught:
        async with engine.begin() as connection:
            await together(connection, [(_PUT, {"n": [1]}), ("SELECT pg_terminate_backend(pg_backend_pid())", {})])
    assert isinstance(database_error(caught.value), Retryable)
    async with engine.begin() as connection:
        assert await together(connection, [(_ALL, {})]) == [[]]


async def test_writes_wait_until_they_are_sent(engine: AsyncEngine) -> None:
    writes = Writes()
    async with engine.begin() as connection:
        await writes.execute(_PUT, {"n": [1]})
        assert await together(connection, [(_ALL, {})]) == [[]]
        await writes.send(connection)
        await writes.send(connection)
        assert len((await together(connection, [(_ALL, {})]))[0]) == 1
