"""An agent makes a ticket of what is in none: automatic mail (threading §5: a mailbox's forwarding code lands there),
feedback, a call that was answered, a change of a message that never came."""

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
from ticketing.rows import insert_rows
from ticketing.service_levels import ServiceLevels
from ticketing.store import names, store
from ticketing.tables import DESK_LOCK
from ticketing.tables import names as names_table
from ticketing.tickets import Requester, Ticket
from ticketing.tokens import ReplyTokens

_AGENT = Actor(kind="agent")
_DESK = Actor(kind="system")

_LOCK = sa.text("SELECT pg_advisory_xact_lock(:lock)")
_FIND = sa.text(
    "SELECT m.id, m.automatic_group, t.number FROM desk.messages m LEFT JOIN desk.tickets t ON t.id = m.ticket_id "
    "WHERE m.id = :id OR m.source_id = :id ORDER BY m.received_at, m.id LIMIT 1"
)
_GROUP = sa.text(
    "SELECT id, document, traceparent, received_at, match, third_party, aside FROM desk.messages "
    "WHERE ticket_id IS NULL AND (id = :id OR automatic_group = :group) ORDER BY id <> :id, received_at, id FOR UPDATE"
)

_OURS = sa.text("UPDATE desk.messages SET aside = NULL, contact_id = :contact WHERE id = :id")


async def to_ticket(engine: AsyncEngine, message_id: str, now: datetime, levels: ServiceLevels) -> int:
    """Open a ticket for the message, and for the automatic mail that belongs with it; the ticket's number.

    `message_id`: ours, or its source's. It is not confirmed: a machine reads nothing, and who only left feedback or has
    been spoken to is answered by the agent or not at all. Raises Invalid when there is no such message or it is in a
    ticket already, and Retryable.
    """
    try:
        async with engine.begin() as connection:
            await connection.execute(_LOCK, {"lock": DESK_LOCK})
            found = (await connection.execute(_FIND, {"id": message_id.strip("<> ")})).one_or_none()
            if found is None:
                raise Invalid(f"no message {message_id}; `deskstream automatic list` shows all that are in no ticket")
            if found.number is not None:
                raise Invalid(f"message {message_id} is in ticket {found.number} already")
            return await _open(connection, found.id, found.automatic_group, now, levels)
    except DBAPIError as error:
        raise database_error(error) from error


async def _open(
    connection: AsyncConnection, message_id: str, group: str | None, now: datetime, levels: ServiceLevels
) -> int:
    rows = (await connection.execute(_GROUP, {"id": message_id, "group": group})).all()
    messages = [_decoded(row.document, row.traceparent, row.received_at) for row in rows]
    first, by_a_person = messages[0], rows[0].aside is not None
    person = (first.author.kind, identity_value(first.author.kind, first.author.address))
    contacts = Contacts(await load.contacts(connection, {first.person: person}), _mint)
    own = contacts.own(first)
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
        requester=Requester(first.id, contacts.of(first), first.received_at, is_root=True) if by_a_person else None,
        messages=int(by_a_person),
        attachments=first.attachments if by_a_person else 0,
    )
    opened = Opened(channel=first.channel, account=first.account, language=first.language, manual=True)
    ticket.tell("ticket.opened", opened, first, at=now, now=now, actor=_AGENT)
    for row, message in zip(rows, messages, strict=True):
        received = _received(message, row.match, third_party=row.third_party)
        actor = Actor(kind="customer", id=ticket.contact_id) if by_a_person and message.opens else _DESK
        ticket.tell("ticket.message_received", received, message, at=message.occurred_at, now=now, actor=actor)
    unconfirmed = ConfirmationSuppressed(reason="by_hand" if by_a_person else "machine")
    ticket.tell("ticket.confirmation_suppressed", unconfirmed, first, at=now, now=now, actor=_DESK)
    decision = Decision(
        contacts=contacts.new,
        contact_events=[created(contact, now) for contact in contacts.new],
        opened=[ticket],
        attached=dict.fromkeys((row.id for row in rows), ticket.id),
    )
    if by_a_person:
        await connection.execute(_OURS, {"id": first.id, "contact": own})
        await insert_rows(connection, names_table, names(messages), suffix="ON CONFLICT DO NOTHING")
    await store(connection, decision, Arrivals(), now, levels)
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
