"""A ticket is made of what was kept in none: a machine's mail, feedback, a call that was answered."""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import uuid4

from pydantic import Field
from sqlalchemy.ext.asyncio import AsyncConnection

from bus.errors import Invalid
from bus.ticket_event import Actor
from bus.ticket_event_data import ConfirmationSuppressed, Opened
from ticketing import load
from ticketing.acts.aside import Aside, aside, no_message, take
from ticketing.acts.kind import Input, OpeningKind, ToOpen
from ticketing.acts.scene import Stage
from ticketing.contacts import Contacts, created, identity_value
from ticketing.people.policy import Permission, may
from ticketing.tickets import Requester, Ticket


class ToTicket(Input):
    """`message`: by our id or by its source's."""

    message: str = Field(min_length=1, max_length=1_000)


@dataclass(frozen=True, slots=True)
class Found:
    """The message that is meant first, with what belongs to it; and its author's contact, if there is one."""

    messages: Sequence[Aside]
    contacts: dict[str, str]
    account_id: str | None
    id: str
    number: int


async def read(connection: AsyncConnection, asked: ToOpen[ToTicket]) -> Found:
    """The messages, the contact, and a number."""
    messages = await aside(connection, asked.given.message)
    first = messages[0].message
    person = (first.author.kind, identity_value(first.author.kind, first.author.address))
    contacts = await load.contacts(connection, {first.person: person})
    account_id = await load.account_of(connection, contacts.get(first.person))
    [number] = await load.numbers(connection, 1)
    return Found(messages, contacts, account_id, uuid4().hex, number)


def decide(stage: Stage[Found], given: ToTicket) -> Ticket:
    """Open it. A machine is not confirmed to, nor is feedback that wanted no answer."""
    found, now = stage.facts, stage.now
    first, by_hand = found.messages[0].message, found.messages[0].why is not None
    department = stage.desk.policy.department(first.account)
    if not may(stage.who, Permission.SEE_TICKETS, department):
        raise Invalid(no_message(given.message))
    contacts = Contacts(found.contacts, lambda: uuid4().hex)
    ticket = Ticket(
        id=found.id,
        number=found.number,
        contact_id=contacts.of(first),
        account_id=found.account_id,
        channel=first.channel,
        account=first.account,
        department=department,
        subject=first.subject,
        language=first.language,
        opened_at=now,
        last_message_at=first.occurred_at,
        updated_at=now,
        requester=Requester(first.id, contacts.of(first), first.received_at, is_root=True)
        if found.messages[0].why
        else None,
    )
    stage.decision.opened.append(ticket)
    stage.decision.contacts = contacts.new
    stage.decision.contact_events = [created(contact, now) for contact in contacts.new]
    opened = Opened(channel=first.channel, account=first.account, language=first.language, manual=True)
    stage.tell_on(ticket, "ticket.opened", opened)
    for one in found.messages:
        take(stage, ticket, one, contacts.own(first))
    reason = ConfirmationSuppressed(reason="by_hand" if by_hand else "machine")
    stage.tell_on(ticket, "ticket.confirmation_suppressed", reason, actor=Actor(kind="system"))
    return ticket


TO_TICKET = OpeningKind(
    name="to-ticket",
    summary="Make a ticket of a message that is in none: a machine's mail, feedback, an answered call.",
    permission=Permission.WORK_TICKETS,
    input=ToTicket,
    read=read,
    decide=decide,
)
