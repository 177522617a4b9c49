"""An agent makes a ticket of automatic mail (threading §5: a mailbox's forwarding code lands there)."""

import secrets
from datetime import datetime
from typing import Any
from uuid import uuid4

import sqlalchemy as sa
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from bus.errors import Invalid
from bus.progress import database_error
from bus.record import Received
from bus.ticket_event import Actor, ConfirmationSuppressed, MatchSummary, MessageReceived, Opened
from ticketing import load
from ticketing.arrivals import Arrivals
from ticketing.contacts import Contacts, created, identity_value
from ticketing.decision import Decision
from ticketing.decode import decode
from ticketing.incoming import Incoming
from ticketing.policy import Policy
from ticketing.store import store
from ticketing.tables import DESK_LOCK
from ticketing.tickets import Ticket
from ticketing.tokens import ReplyTokens

_AGENT = Actor(kind="agent")
_DESK = Actor(kind="system")

_LOCK = sa.text("SELECT pg_advisory_xact_lock(:lock)")
_FIND = sa.text(
    "SELECT m.id, m.automatic_group, t.number FROM desk.messages m LEFT JOIN desk.tickets t ON t.id = m.ticket_id "
    "WHERE m.id = :id OR m.source_id = :id ORDER BY m.received_at, m.id LIMIT 1"
)
_GROUP = sa.text(
    "SELECT id, document, traceparent, received_at, match, third_party FROM desk.messages "
    "WHERE ticket_id IS NULL AND (id = :id OR automatic_group = :group) ORDER BY id <> :id, received_at, id FOR UPDATE"
)


async def to_ticket(engine: AsyncEngine, message_id: str, now: datetime) -> int:
    """Open a ticket for the message, and for the automatic mail that belongs with it; the ticket's number.

    `message_id`: ours, or its source's. Its machine is not confirmed to. Raises Invalid when there is no such
    message or it is in a ticket already, and Retryable.
    """
    try:
        async with engine.begin() as connection:
            await connection.execute(_LOCK, {"lock": DESK_LOCK})
            found = (await connection.execute(_FIND, {"id": message_id.strip("<> ")})).one_or_none()
            if found is None:
                raise Invalid(f"no automatic message {message_id}; `deskstream automatic list` shows all")
            if found.number is not None:
                raise Invalid(f"message {message_id} is in ticket {found.number} already")
            return await _open(connection, found.id, found.automatic_group, now)
    except DBAPIError as error:
        raise database_error(error) from error


async def _open(connection: AsyncConnection, message_id: str, group: str | None, now: datetime) -> int:
    rows = (await connection.execute(_GROUP, {"id": message_id, "group": group})).all()
    messages = [_decoded(row.document, row.traceparent, row.received_at) for row in rows]
    first = messages[0]
    person = (first.author.kind, identity_value(first.author.kind, first.author.address))
    contacts = Contacts(await load.contacts(connection, {first.person: person}), _mint)
    [number] = await load.numbers(connection, 1)
    ticket = Ticket(
        id=_mint(),
        number=number,
        contact_id=contacts.of(first),
        account_id=None,
        channel=first.channel,
        account=first.account,
        subject=first.subject,
        language=first.language,
        opened_at=now,
        last_message_at=first.occurred_at,
        updated_at=now,
        requester=None,
    )
    opened = Opened(channel=first.channel, account=first.account, language=first.language, manual=True)
    ticket.tell("ticket.opened", opened, first, at=now, now=now, actor=_AGENT)
    for row, message in zip(rows, messages, strict=True):
        received = _received(message, row.match, third_party=row.third_party)
        ticket.tell("ticket.message_received", received, message, at=message.occurred_at, now=now, actor=_DESK)
    machine = ConfirmationSuppressed(reason="machine")
    ticket.tell("ticket.confirmation_suppressed", machine, first, at=now, now=now, actor=_DESK)
    decision = Decision(
        contacts=contacts.new,
        contact_events=[created(contact, now) for contact in contacts.new],
        opened=[ticket],
        attached=dict.fromkeys((row.id for row in rows), ticket.id),
    )
    await store(connection, decision, Arrivals(), now)
    return number


def _decoded(document: str, traceparent: str | None, received_at: datetime) -> Incoming:
    headers = {"traceparent": traceparent.encode()} if traceparent else {}
    record = Received("", 0, 0, None, document.encode(), int(received_at.timestamp() * 1000), headers)
    # what it refers to was decided when it was filed, with the desk's keys; here any key will do
    message = decode(record, ReplyTokens({0: secrets.token_bytes(32)}, 0), Policy())
    assert isinstance(message, Incoming)
    return message


def _received(message: Incoming, match: dict[str, Any], *, third_party: bool) -> MessageReceived:
    found = load.match_of(match)
    return MessageReceived(
        message_id=message.id,
        source_id=message.source_id,
        channel=message.channel,
        account=message.account,
        author_kind=message.author.kind,
        verified=message.author.verified,
        automation=message.automation,
        sent_at=message.sent_at,
        received_at=message.received_at,
        visibility=message.visibility,
        third_party=third_party,
        match=MatchSummary(
            rule=found.rule, confidence=found.confidence, evidence=sorted({kind for kind, _ in found.evidence})
        ),
        attachments=message.attachments,
    )


def _mint() -> str:
    return uuid4().hex
