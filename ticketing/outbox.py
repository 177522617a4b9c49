"""The one outbox: what the world is told, in the order of commits (reliability: One outbox)."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

import sqlalchemy as sa

from bus.contact_event import ContactEvent
from bus.reply import Reply
from bus.ticket_event import TicketEvent
from bus.together import Executes
from ticketing.rows import insert_rows
from ticketing.tables import OUTBOX_LOCK, contact_events, outgoing, ticket_events

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
    await _append_contact_events(connection, contact_events)
    await _append_ticket_events(connection, ticket_events)
    await _append_replies(connection, replies)


async def _append_contact_events(connection: Executes, told: Sequence[Told[ContactEvent]]) -> None:
    await insert_rows(
        connection,
        contact_events,
        [
            {
                "event_id": event.event_id,
                "contact_id": event.contact_id,
                "version": event.version,
                "type": event.type,
                "recorded_at": event.recorded_at,
                "document": event.to_json().decode(),
                "traceparent": each.traceparent,
            }
            for each in told
            for event in (each.value,)
        ],
    )


async def _append_ticket_events(connection: Executes, told: Sequence[Told[TicketEvent]]) -> None:
    await insert_rows(
        connection,
        ticket_events,
        [
            {
                "event_id": event.event_id,
                "ticket_id": event.ticket_id,
                "version": event.version,
                "type": event.type,
                "occurred_at": event.occurred_at,
                "recorded_at": event.recorded_at,
                "document": event.to_json().decode(),
                "traceparent": each.traceparent,
            }
            for each in told
            for event in (each.value,)
        ],
    )


async def _append_replies(connection: Executes, told: Sequence[Told[Reply]]) -> None:
    await insert_rows(
        connection,
        outgoing,
        [
            {
                "reply_id": reply.reply_id,
                "attempt": reply.attempt,
                "channel": reply.channel,
                "ticket_id": reply.ticket_id,
                "document": reply.to_json().decode(),
                "traceparent": each.traceparent,
            }
            for each in told
            for reply in (each.value,)
        ],
    )
