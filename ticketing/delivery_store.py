"""Deliveries in the database: locked by their tickets, written for a whole batch, told as events."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from bus.reply import Reply
from bus.ticket_event import Actor, TicketEvent, event_id
from bus.ticket_event_data import DeliveryUpdated
from bus.together import Executes, together
from ticketing.catching_up import catch_up_ids
from ticketing.database import Array
from ticketing.delivery import Delivery
from ticketing.outbox import Told
from ticketing.rows import encode, source, texts
from ticketing.tables import replies, tickets

_REPLY_COLUMNS = [replies.c[name] for name in ("id", "state", "attempt", "reason", "state_at", "next_attempt_at")]
_TICKET_COLUMNS = [tickets.c[name] for name in ("id", "version", "updated_at")]


def _update(table: sa.Table, columns: Sequence[sa.Column[object]]) -> sa.TextClause:
    unnest, _ = source(columns)
    pairs = ", ".join(f"{column.name} = n.{column.name}" for column in columns[1:])
    return sa.text(f"UPDATE {table.fullname} AS t SET {pairs} FROM {unnest} WHERE t.id = n.id")  # noqa: S608


def _arrays(columns: Sequence[sa.Column[object]], rows: Sequence[tuple[object, ...]]) -> dict[str, Array]:
    return {column.name: encode(column, [row[at] for row in rows]) for at, column in enumerate(columns)}


_UPDATE_REPLIES = _update(replies, _REPLY_COLUMNS)
_UPDATE_TICKETS = _update(tickets, _TICKET_COLUMNS)
_LOCK_TICKETS = sa.text(
    "SELECT id, number, version, contact_id, account_id, next_due_at FROM desk.tickets WHERE id IN ("
    "SELECT ticket_id FROM desk.replies WHERE id = ANY(CAST(:ids AS text[]))) ORDER BY id FOR UPDATE"
)
_READ_REPLIES = sa.text(
    "SELECT id, ticket_id, state, attempt, state_at, reason, next_attempt_at, purpose = 'reply' AS insistent, "
    "document, traceparent, purpose "
    "FROM desk.replies WHERE id = ANY(CAST(:ids AS text[]))"
)


@dataclass(frozen=True, slots=True)
class TicketHead:
    """What an event needs to know of its ticket, as it is under the lock."""

    id: str
    number: int
    version: int
    contact_id: str
    account_id: str | None
    next_due_at: datetime | None


@dataclass(frozen=True, slots=True)
class Locked:
    """Deliveries whose tickets are locked: nobody else moves them before the transaction ends."""

    tickets: Mapping[str, TicketHead]
    deliveries: Mapping[str, Delivery]
    documents: Mapping[str, str]
    traces: Mapping[str, str | None]
    silent: frozenset[str]
    """Replies to agents: their fate is no part of a ticket's history."""


async def lock(connection: AsyncConnection, reply_ids: Collection[str]) -> Locked:
    """Lock the tickets of these replies in the order of their ids, *then* read the replies; unknown ids are absent."""
    ids = {"ids": texts(sorted(reply_ids))}
    heads, rows = await together(connection, [(_LOCK_TICKETS, ids), (_READ_REPLIES, ids)])
    return Locked(
        tickets={row.id: TicketHead(*row) for row in heads},
        deliveries={
            row.id: Delivery(
                row.id,
                row.ticket_id,
                row.state,
                row.attempt,
                row.state_at,
                row.reason,
                row.next_attempt_at,
                row.insistent,
            )
            for row in rows
        },
        documents={row.id: row.document for row in rows},
        traces={row.id: row.traceparent for row in rows},
        silent=frozenset(row.id for row in rows if row.purpose == "notification"),
    )


async def write(
    connection: AsyncConnection, writes: Executes, locked: Locked, steps: Sequence[Delivery], now: datetime
) -> list[Told[TicketEvent]]:
    """Let `writes` store the last of each delivery's `steps` and the tickets' new versions; the events to append, one
    a told step.

    Events of a delivery stay on the ticket that the reply names, merged or not. What the tickets' clocks owe comes
    before them.
    """
    told_on = {step.ticket_id for step in steps if step.told_as is not None and step.reply_id not in locked.silent}
    heads = [locked.tickets[ticket_id] for ticket_id in told_on]
    late = [head.id for head in heads if head.next_due_at is not None and head.next_due_at <= now]
    told = await catch_up_ids(connection, late, now) if late else []
    versions = {each.value.ticket_id: each.value.version for each in told}
    for step in steps:
        if step.told_as is None or step.reply_id in locked.silent:
            continue
        head = locked.tickets[step.ticket_id]
        version = versions[head.id] = versions.get(head.id, head.version) + 1
        told.append(Told(_event(head, version, step, now), locked.traces[step.reply_id]))
    final = {step.reply_id: step for step in steps}.values()
    if final:
        rows = [(d.reply_id, d.state, d.attempt, d.reason, d.state_at, d.next_attempt_at) for d in final]
        await writes.execute(_UPDATE_REPLIES, _arrays(_REPLY_COLUMNS, rows))
    if versions:
        raised = [(ticket_id, version, now) for ticket_id, version in versions.items()]
        await writes.execute(_UPDATE_TICKETS, _arrays(_TICKET_COLUMNS, raised))
    return told


def again(locked: Locked, step: Delivery) -> Told[Reply]:
    """The same reply, same id and same Message-ID, for its next attempt."""
    reply = Reply.from_json(locked.documents[step.reply_id])
    return Told(reply.model_copy(update={"attempt": step.attempt}), locked.traces[step.reply_id])


def _event(head: TicketHead, version: int, step: Delivery, now: datetime) -> TicketEvent:
    assert step.told_as is not None
    data = DeliveryUpdated(reply_id=step.reply_id, state=step.told_as, reason=step.reason)
    return TicketEvent(
        event_id=event_id(head.id, f"delivery:{step.reply_id}:{step.attempt}:{step.state}", 0),
        ticket_id=head.id,
        number=head.number,
        version=version,
        type="ticket.delivery_updated",
        occurred_at=min(step.state_at, now),
        recorded_at=now,
        actor=Actor(kind="system"),
        contact_id=head.contact_id,
        account_id=head.account_id,
        data=data.model_dump(mode="json", exclude_none=True),
    )
