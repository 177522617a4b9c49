"""What the database refuses for good, and what is tried again, in PostgreSQL's own words."""

import os

import pytest
import sqlalchemy as sa
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import create_async_engine

from bus.errors import Invalid, Retryable
from bus.progress import database_error
from tests.conftest import Stack

pytestmark = pytest.mark.stack


@pytest.mark.parametrize(
    ("statement", "expected"),
    [
        ("SELECT 1 / 0", Invalid),  # 22: exceptions of values
        ("INSERT INTO t VALUES (NULL)", Invalid),  # 23: constraints
        (f"INSERT INTO t VALUES ('{os.urandom(6_000).hex()}')", Invalid),  # 54: too long for its index
        ("SELECT * FROM absent", Retryable),  # 42: tables that are not there yet
        ("SELECT pg_terminate_backend(pg_backend_pid())", Retryable),  # 57: a session cut
    ],
)
async def test_data_is_to_blame_or_the_moment(stack: Stack, statement: str, expected: type[Exception]) -> None:
    engine = create_async_engine(stack.database)
    try:
        async with engine.connect() as connection:
            await connection.execute(sa.text("CREATE TEMPORARY TABLE t (x text NOT NULL UNIQUE)"))
            with pytest.raises(DBAPIError) as caught:
                await connection.execute(sa.text(statement))
        assert type(database_error(caught.value)) is expected
    finally:
        await engine.dispose()
