"""Notices in the database: added for whoever they concern, found by agent, settled with the mail they went out in."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from bus.ticket_event import TicketEvent
from ticketing.notifications.concerns import TYPES, Concern, concern
from ticketing.rows import encode, texts, times
from ticketing.tables import tickets

ONE_AT_A_TIME = 0x6E6F7469
"""Advisory lock of a transaction: whoever gathers notices or sends them."""

_LOCK = sa.text("SELECT pg_advisory_xact_lock(:lock)")
# `agent` and `team` may both be the same id, of which one is right; without both it is whose the ticket is
_ADD = sa.text("""
INSERT INTO desk.notices (agent_id, ticket_id, kind, cause, at, created_at)
SELECT DISTINCT ON (a.id, n.cause) a.id, coalesce(t.root_id, n.ticket), n.kind, n.cause, n.at, :now
  FROM unnest(CAST(:kinds AS text[]), CAST(:tickets AS text[]), CAST(:causes AS text[]), CAST(:ats AS timestamptz[]),
              CAST(:agents AS text[]), CAST(:teams AS text[]), CAST(:buts AS text[]), CAST(:replies AS text[]),
              CAST(:attempts AS int4[])) AS n(kind, ticket, cause, at, agent, team, but, reply, attempts)
  LEFT JOIN desk.tickets t ON t.id = n.ticket
  LEFT JOIN desk.tickets r ON r.id = t.root_id
  LEFT JOIN desk.answers w ON w.id = n.reply OR n.reply = ANY(w.copies)
  LEFT JOIN desk.replies s ON s.id = n.reply
  CROSS JOIN LATERAL (
      SELECT CASE WHEN n.reply IS NOT NULL THEN w.agent_id
                  WHEN n.agent IS NULL AND n.team IS NULL THEN r.owner_id ELSE n.agent END AS agent,
             CASE WHEN n.reply IS NOT NULL THEN NULL
                  WHEN n.agent IS NULL AND n.team IS NULL THEN r.team_id ELSE n.team END AS team
  ) whose
  JOIN desk.agents a ON a.id = whose.agent OR (
      EXISTS (SELECT 1 FROM desk.team_members m WHERE m.team_id = whose.team AND m.agent_id = a.id)
      AND NOT EXISTS (SELECT 1 FROM desk.agents o WHERE o.id = whose.agent))
 WHERE a.id IS DISTINCT FROM n.but AND a.disabled_at IS NULL AND a.email IS NOT NULL
   AND (a.notify IS NULL OR n.kind = ANY(a.notify))
   AND (n.reply IS NULL OR s.attempt >= n.attempts)
ON CONFLICT DO NOTHING
""")
_LAST = sa.text("SELECT last_event_id FROM desk.notified FOR UPDATE")
_EVENTS = sa.text("""
SELECT id, CASE WHEN type = ANY(CAST(:types AS text[])) THEN document END AS document
  FROM desk.ticket_events WHERE id > :last ORDER BY id LIMIT :limit
""")
_MOVE = sa.text("UPDATE desk.notified SET last_event_id = :last")
_WAITING = sa.text("""
WITH waiting AS (
    SELECT agent_id, min(created_at) AS since FROM desk.notices WHERE reply_id IS NULL AND dropped IS NULL
     GROUP BY agent_id
) SELECT n.id, n.agent_id, n.kind, n.at, t.id AS ticket_id, t.number, t.subject, a.name, a.email,
       a.language, a.disabled_at
  FROM waiting w JOIN desk.notices n ON n.agent_id = w.agent_id AND n.reply_id IS NULL AND n.dropped IS NULL
  JOIN desk.tickets t ON t.id = n.ticket_id JOIN desk.agents a ON a.id = n.agent_id
 WHERE w.since <= :before AND NOT EXISTS (
       SELECT 1 FROM desk.notices s WHERE s.agent_id = w.agent_id AND s.reply_id IS NOT NULL AND s.settled_at > :last)
 ORDER BY n.agent_id, n.id LIMIT :limit FOR UPDATE OF n
""")
_SETTLE = sa.text("""
UPDATE desk.notices AS n SET reply_id = v.reply, dropped = v.dropped, settled_at = :now
  FROM unnest(CAST(:ids AS int8[]), CAST(:replies AS text[]), CAST(:dropped AS text[])) AS v(id, reply, dropped)
 WHERE n.id = v.id
""")
_FORGET = sa.text("DELETE FROM desk.notices WHERE settled_at < :before")
KEPT = timedelta(days=90)


@dataclass(frozen=True, slots=True)
class Notice:
    """Something an agent is to be told of a ticket."""

    id: int
    agent_id: str
    kind: str
    at: datetime
    ticket_id: str
    number: int
    subject: str | None
    name: str
    email: str | None
    language: str | None
    disabled_at: datetime | None


async def add(connection: AsyncConnection, concerns: Sequence[Concern], now: datetime) -> None:
    """Keep what is to be told, for whom it concerns and who wants to be told."""
    if not concerns:
        return
    values = {
        "kinds": texts(c.kind for c in concerns),
        "tickets": texts(c.ticket_id for c in concerns),
        "causes": texts(c.cause for c in concerns),
        "ats": times(c.at for c in concerns),
        "agents": texts(c.agent for c in concerns),
        "teams": texts(c.team for c in concerns),
        "buts": texts(c.but for c in concerns),
        "replies": texts(c.reply for c in concerns),
        "attempts": encode(tickets.c.version, [c.attempts for c in concerns]),
        "now": now,
    }
    await connection.execute(_ADD, values)


async def gather(connection: AsyncConnection, now: datetime, limit: int = 2_000) -> int:
    """Add what the next events tell; how many events there were. Ids are in the order of commits: none is missed."""
    await connection.execute(_LOCK, {"lock": ONE_AT_A_TIME})
    last = (await connection.execute(_LAST)).scalar_one()
    values = {"types": list(TYPES), "last": last, "limit": limit}
    rows = (await connection.execute(_EVENTS, values)).all()
    if rows:
        events = (TicketEvent.from_json(row.document) for row in rows if row.document is not None)
        await add(connection, [found for event in events if (found := concern(event))], now)
        await connection.execute(_MOVE, {"last": rows[-1].id})
    return len(rows)


async def waiting(connection: AsyncConnection, *, before: datetime, last: datetime, limit: int = 1_000) -> list[Notice]:
    """What agents wait for whose first notice is older than `before`, and whose latest mail is older than `last`."""
    await connection.execute(_LOCK, {"lock": ONE_AT_A_TIME})
    rows = await connection.execute(_WAITING, {"before": before, "last": last, "limit": limit})
    return [Notice(*row) for row in rows]


async def settle(
    connection: AsyncConnection, settled: Sequence[tuple[int, str | None, str | None]], now: datetime
) -> None:
    """Say of notices (by id) with which mail they went out, or why they did not; forget what is old."""
    values = {
        "ids": [id_ for id_, _, _ in settled],
        "replies": texts(reply for _, reply, _ in settled),
        "dropped": texts(dropped for _, _, dropped in settled),
        "now": now,
    }
    await connection.execute(_SETTLE, values)
    await connection.execute(_FORGET, {"before": now - KEPT})
