"""Who or what did what on a ticket, and when: its events, with the names of whoever they name."""

import json
from typing import Any, Final

import sqlalchemy as sa
from pydantic import BaseModel, ConfigDict
from sqlalchemy.ext.asyncio import AsyncConnection

from bus.model import Time
from bus.ticket_event import TicketEventType
from ticketing.api.cursors import CursorQuery, LimitQuery, from_cursor, list_id, to_cursor
from ticketing.rows import selected

_OF_TICKET: Final = """
SELECT e.id, e.document, a.name AS agent, c.name AS contact, o.name AS owner
  FROM desk.tickets t JOIN desk.ticket_events e ON e.ticket_id = t.id
  LEFT JOIN desk.agents a ON a.id = e.document::json #>> '{actor,id}' AND e.document::json #>> '{actor,kind}' = 'agent'
  LEFT JOIN desk.contacts c ON c.id = e.document::json #>> '{actor,id}'
       AND e.document::json #>> '{actor,kind}' = 'customer'
  LEFT JOIN desk.agents o ON o.id = e.document::json #>> '{data,owner_id}'
 WHERE t.root_id = :root AND e.id > :after ORDER BY e.id LIMIT :limit
"""
_HISTORY = sa.text(_OF_TICKET)


class Doer(BaseModel):
    """Who or what did it; `name` as it is today, of people."""

    model_config = ConfigDict(frozen=True)

    kind: str
    id: str | None = None
    name: str | None = None


class HistoryEntry(BaseModel):
    """An event as it stands on `tickets.events`. `ticket_id`, `number`: of the ticket, or of one it absorbed."""

    model_config = ConfigDict(frozen=True)

    event_id: str
    ticket_id: str
    number: int
    version: int
    type: TicketEventType
    occurred_at: Time
    recorded_at: Time
    actor: Doer
    data: dict[str, Any] = {}
    owner_name: str | None = None


class HistoryQuery(BaseModel):
    """A place in a history, the oldest first."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    limit: LimitQuery = 100
    cursor: CursorQuery = None


class History(BaseModel):
    """A page of it. `next`: the cursor of the page after; null: the last."""

    items: list[HistoryEntry]
    next: str | None = None


async def history(connection: AsyncConnection, ticket_id: str, asked: HistoryQuery) -> History:
    """A page of a ticket's history. Raises Refused for a cursor that is none."""
    own = list_id(ticket_id, "history")
    [after] = from_cursor(own, asked.cursor, (int,)) or [0]
    rows = await selected(connection, _HISTORY, root=ticket_id, after=after or 0, limit=asked.limit + 1)
    shown = rows[: asked.limit]
    return History(
        items=[_entry(row) for row in shown],
        next=to_cursor(own, (shown[-1].id,)) if len(rows) > asked.limit else None,
    )


def _entry(row: Any) -> HistoryEntry:  # noqa: ANN401  # a row of _HISTORY
    event = json.loads(row.document)
    event["actor"]["name"] = row.agent or row.contact
    return HistoryEntry.model_validate({**event, "owner_name": row.owner})
