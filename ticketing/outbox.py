"""The one outbox: what the world is told, in the order of commits (reliability: One outbox)."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

import sqlalchemy as sa

from bus.contact_event import ContactEvent
from bus.reply import Reply
from bus.ticket_event import TicketEvent
from bus.together import Executes
from ticketing import outbox_tables as t
from ticketing.rows import insert_rows
from ticketing.tables import OUTBOX_LOCK

CHANNEL = "deskstream_outbox"
"""The PostgreSQL channel that is notified when something was appended."""

T = TypeVar("T")

_LOCK = sa.text("SELECT pg_advisory_xact_lock(:lock), pg_notify(:channel, '')")


@dataclass(frozen=True, slots=True)
class Told(Generic[T]):
    """A value to publish, and the trace it belongs to."""

    value: T
    traceparent: str | None = None


async def append(
    connection: Executes,
    *,
    ticket_events: Sequence[Told[TicketEvent]] = (),
    contact_events: Sequence[Told[ContactEvent]] = (),
    replies: Sequence[Told[Reply]] = (),
) -> None:
    """Insert in order, contacts first, then tickets' events, then replies. MUST be the last thing in a transaction.

    Nothing may be locked after it: its lock is what makes the order of ids the order of commits.
    """
    if not (ticket_events or contact_events or replies):
        return
    await connection.execute(_LOCK, {"lock": OUTBOX_LOCK, "channel": CHANNEL})
    await insert_rows(connection, t.contact_events, [_contact_event(told) for told in contact_events])
    await insert_rows(connection, t.ticket_events, [_ticket_event(told) for told in ticket_events])
    await insert_rows(connection, t.outgoing, [_reply(told) for told in replies])


def _contact_event(told: Told[ContactEvent]) -> dict[str, object]:
    event = told.value
    return {
        "event_id": event.event_id,
        "contact_id": event.contact_id,
        "version": event.version,
        "type": event.type,
        "recorded_at": event.recorded_at,
        "document": event.to_json().decode(),
        "traceparent": told.traceparent,
    }


def _ticket_event(told: Told[TicketEvent]) -> dict[str, object]:
    event = told.value
    return {
        "event_id": event.event_id,
        "ticket_id": event.ticket_id,
        "version": event.version,
        "type": event.type,
        "occurred_at": event.occurred_at,
        "recorded_at": event.recorded_at,
        "document": event.to_json().decode(),
        "traceparent": told.traceparent,
    }


def _reply(told: Told[Reply]) -> dict[str, object]:
    reply = told.value
    return {
        "reply_id": reply.reply_id,
        "attempt": reply.attempt,
        "channel": reply.channel,
        "ticket_id": reply.ticket_id,
        "document": reply.to_json().decode(),
        "traceparent": told.traceparent,
    }
