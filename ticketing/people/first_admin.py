"""The first admin of a desk that has nobody yet, so that somebody can make the others."""

from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncEngine

from ticketing.people import directory
from ticketing.people.models import NewAgent
from ticketing.people.policy import Role
from ticketing.people.store import LONGEST_TOKEN, NewToken, give_token, transaction

NAME = "First admin"
# several that start at once make one
_LOCK = sa.text("LOCK TABLE desk.agents IN SHARE ROW EXCLUSIVE MODE")
_ANYBODY = sa.text("SELECT 1 FROM desk.agents LIMIT 1")


async def first_admin(engine: AsyncEngine, now: datetime) -> NewToken | None:
    """Make one, with a token for a year; None when there is somebody already. Raises Retryable."""
    async with transaction(engine) as connection:
        await connection.execute(_LOCK)
        if (await connection.execute(_ANYBODY)).first() is not None:
            return None
        admin = await directory.add_agent(connection, NewAgent(name=NAME, roles=frozenset({Role.ADMIN})), now)
        return await give_token(connection, admin.id, name="first", lifetime=LONGEST_TOKEN, now=now)
