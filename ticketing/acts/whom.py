"""To whom a ticket is given: agents who are at work, and teams."""

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from bus.errors import Invalid

_AGENT = sa.text("SELECT true FROM desk.agents WHERE id = :id AND disabled_at IS NULL")
_TEAM = sa.text("SELECT true FROM desk.teams WHERE id = :id")


async def must_be_there(connection: AsyncConnection, owner: str | None, team: str | None) -> None:
    """Raises Invalid for an agent or a team that nobody can be given anything to. None asks nothing."""
    if owner is not None and await connection.scalar(_AGENT, {"id": owner}) is None:
        raise Invalid(f"there is no agent {owner}, or he is disabled; `deskstream agents list` shows all")
    if team is not None and await connection.scalar(_TEAM, {"id": team}) is None:
        raise Invalid(f"there is no team {team}; `deskstream teams list` shows all")
