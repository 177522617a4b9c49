"""Messages that are in no ticket — mail of machines, feedback, answered calls — and how one comes into one."""

import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from bus.errors import Invalid
from bus.record import Received
from bus.ticket_event import Actor
from ticketing import load
from ticketing.acts.scene import Stage
from ticketing.decode import decode
from ticketing.incoming import Incoming
from ticketing.match import Match
from ticketing.policy import Policy
from ticketing.received import count, message_received
from ticketing.tickets import Ticket
from ticketing.tokens import ReplyTokens

_FIND = sa.text("""
SELECT m.id, m.automatic_group, t.number FROM desk.messages m LEFT JOIN desk.tickets t ON t.id = m.ticket_id
 WHERE m.id = :id OR m.source_id = :source ORDER BY m.id = :id DESC, m.received_at, m.id LIMIT 1
""")
_GROUP = sa.text("""
SELECT m.id, m.document, m.traceparent, m.received_at, m.match, m.third_party, m.aside,
       coalesce(c.root_id, c.id) AS contact_id
  FROM desk.messages m LEFT JOIN desk.contacts c ON c.id = m.contact_id
 WHERE m.ticket_id IS NULL AND (m.id = :id OR m.automatic_group = :group)
 ORDER BY m.id <> :id, m.received_at, m.id FOR UPDATE OF m
""")
_OURS = sa.text("UPDATE desk.messages SET contact_id = :contact WHERE id = :id")


@dataclass(frozen=True, slots=True)
class Aside:
    """One of them. `contact_id`: its author's, as far as it has one; `why`: it is in none though a person wrote it."""

    message: Incoming
    match: Match
    third_party: bool
    contact_id: str | None
    why: str | None


def no_message(given: str) -> str:
    """What whoever acts is told, also when it is another department's."""
    return f"there is no message {given}; `deskstream automatic list` shows all that are in no ticket"


async def aside(connection: AsyncConnection, given: str) -> Sequence[Aside]:
    """The message, by our id or by its source's, and what belongs with it. Raises Invalid."""
    found = (await connection.execute(_FIND, {"id": given, "source": given.strip("<> ")})).one_or_none()
    if found is None:
        raise Invalid(no_message(given))
    if found.number is not None:
        raise Invalid(f"message {given} is in ticket {found.number} already")
    rows = await connection.execute(_GROUP, {"id": found.id, "group": found.automatic_group})
    return [
        Aside(
            decoded(row.document, row.traceparent, row.received_at),
            load.match_of(row.match),
            row.third_party,
            row.contact_id,
            row.aside,
        )
        for row in rows
    ]


def take(stage: Stage[Any], ticket: Ticket, one: Aside, contact_id: str) -> None:
    """Put it into the ticket. What a person wrote counts, and is the customer's turn. `contact_id`: the author's, where
    the message was of nobody so far."""
    message = one.message
    stage.decision.attached[message.id] = ticket.id
    if one.why is not None:
        stage.decision.taken.append(message)
        if one.contact_id is None:
            stage.write(_OURS, id=message.id, contact=contact_id)
    received = message_received(message, one.match, third_party=one.third_party)
    actor = Actor(kind="customer", id=ticket.contact_id) if message.opens else Actor(kind="system")
    at = message.occurred_at
    stage.change(ticket)
    ticket.tell("ticket.message_received", received, message, at=at, now=stage.now, actor=actor)
    if message.opens:
        count(ticket, message)


def decoded(document: str, traceparent: str | None, received_at: datetime) -> Incoming:
    """A document as a message."""
    headers = {"traceparent": traceparent.encode()} if traceparent else {}
    record = Received("", 0, 0, None, document.encode(), int(received_at.timestamp() * 1000), headers)
    # what it refers to was decided when it was filed, with the desk's keys; here any key will do
    message = decode(record, ReplyTokens({0: secrets.token_bytes(32)}, 0), Policy())
    assert isinstance(message, Incoming)
    return message
