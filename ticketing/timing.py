"""Due times of what is about to be written: the edge between a decision and the service levels."""

from collections.abc import Collection
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from ticketing.decision import Decision
from ticketing.due_times import follow
from ticketing.rows import texts
from ticketing.service_levels import ServiceLevels

_NAMES = sa.text("""
SELECT id, key, name FROM desk.accounts
 WHERE id = ANY(CAST(:ids AS text[])) AND (id = ANY(CAST(:named AS text[])) OR key = ANY(CAST(:named AS text[]))
       OR name = ANY(CAST(:named AS text[])))
""")


async def set_due_times(connection: AsyncConnection, decision: Decision, levels: ServiceLevels, now: datetime) -> None:
    """Let the clocks of every ticket follow its history; their events become part of it."""
    tickets = [*decision.opened, *decision.changed.values()]
    before = {ticket.id: ticket.timed for ticket in tickets}
    ids = {ticket.account_id for ticket in tickets if ticket.account_id is not None}
    names = await _names(connection, ids, levels) if levels.names and ids else {}
    for key, id_ in decision.accounts.items():
        names.setdefault(id_, {id_}).add(key)
    for ticket in tickets:
        follow(ticket, levels, names.get(ticket.account_id or "", ()), now, before)


async def _names(connection: AsyncConnection, ids: Collection[str], levels: ServiceLevels) -> dict[str, set[str]]:
    """By what service levels name these accounts."""
    rows = await connection.execute(_NAMES, {"ids": texts(ids), "named": texts(sorted(levels.names))})
    return {row.id: {row.id, row.key, row.name} for row in rows}
