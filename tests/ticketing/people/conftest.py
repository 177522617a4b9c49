"""A migrated database without people."""

import asyncio
from collections.abc import AsyncIterator

import pytest
import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncEngine

from tests.conftest import Stack
from ticketing.database import engine
from ticketing.migrate import upgrade
from ticketing.people import tables as t

_TABLES = (t.agents, t.passwords, t.departments, t.department_members, t.teams, t.team_members, t.api_tokens)


@pytest.fixture(scope="session")
async def people_database(stack: Stack) -> str:
    """One for the session; `desk_engine` empties it."""
    url = stack.new_database()
    await asyncio.to_thread(upgrade, url)
    return url


@pytest.fixture
async def desk_engine(people_database: str) -> AsyncIterator[AsyncEngine]:
    """The way to a desk where nobody works yet."""
    pool = engine(people_database)
    async with pool.begin() as connection:
        names = ", ".join(table.fullname for table in (*_TABLES, t.login_failures))
        await connection.execute(sa.text(f"TRUNCATE {names}"))
    yield pool
    await pool.dispose()
