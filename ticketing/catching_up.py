"""Telling what the clocks of tickets owe, before anything else is done to them (reliability: Writers of ticket events).

Whoever has locked tickets calls it with them, and appends what it gives ahead of its own events.
"""

from collections.abc import Collection, Iterable
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from bus.calendars import instant, micros
from bus.ticket_event import TicketEvent
from ticketing import due_times, load
from ticketing.clocks import Moment
from ticketing.due_times import Target
from ticketing.notifications import store as notices
from ticketing.notifications.concerns import Concern
from ticketing.outbox import Told
from ticketing.rows import change, texts
from ticketing.tables import tickets as tickets_table
from ticketing.tickets import Ticket

_COLUMNS = ("id", "status", "owner_id", "team_id", "clocks", "next_due_at", "version", "updated_at")
_TARGETS = sa.text("""
SELECT n.name, a.id AS owner_id, NULL AS team_id FROM unnest(CAST(:names AS text[])) AS n(name)
  JOIN desk.agents a ON (a.id = n.name OR a.email = lower(n.name) OR a.name = n.name) AND a.disabled_at IS NULL
UNION ALL
SELECT n.name, NULL, t.id FROM unnest(CAST(:names AS text[])) AS n(name)
  JOIN desk.teams t ON t.id = n.name OR t.name = n.name
""")


async def catch_up(connection: AsyncConnection, tickets: Iterable[Ticket], now: datetime) -> list[Told[TicketEvent]]:
    """Tell and store what has fallen due on these tickets, which are locked; the events, for the outbox."""
    until = micros(now)
    late = [ticket for ticket in tickets if (moment := ticket.timed.next()) is not None and moment.at <= until]
    if not late:
        return []
    targets = await _targets(connection, late)
    owed: list[Told[TicketEvent]] = []
    soon: list[Concern] = []
    for ticket in sorted(late, key=lambda t: t.id):
        moments = due_times.catch_up(ticket, now, targets)
        soon += (_soon(ticket, moment) for moment in moments if moment.what == "soon")
        owed += ticket.history
        ticket.history = []
    await change(connection, tickets_table, _COLUMNS, late)
    await notices.add(connection, soon, now)
    return owed


def _soon(ticket: Ticket, moment: Moment) -> Concern:
    run = ticket.timed.running[moment.which].run
    return Concern("due_soon", ticket.id, f"{ticket.id}:{moment.which}:{run}", instant(moment.at))


async def catch_up_ids(connection: AsyncConnection, ids: Collection[str], now: datetime) -> list[Told[TicketEvent]]:
    """The same for whoever has only their ids; it locks them in the order of these."""
    return await catch_up(connection, (await load.with_ids(connection, ids)).values(), now)


async def _targets(connection: AsyncConnection, tickets: Collection[Ticket]) -> dict[str, Target]:
    clocks = (clock for ticket in tickets for clock in ticket.timed.running.values())
    names = {clock.escalate_to for clock in clocks if clock.escalate_to is not None}
    if not names:
        return {}
    rows = await connection.execute(_TARGETS, {"names": texts(sorted(names))})
    return {row.name: Target(row.owner_id, row.team_id) for row in rows}
