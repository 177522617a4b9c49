"""A ticket by hand: for somebody who has called, or stands at the counter."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal
from uuid import uuid4

import sqlalchemy as sa
from pydantic import Field
from sqlalchemy.ext.asyncio import AsyncConnection

from bus.errors import Invalid
from bus.message import Author, Channel, Identity, NormalizedMessage
from bus.ticket_event import Actor
from bus.ticket_event_data import Assigned, ConfirmationSuppressed, Confirmed, DueSet, Opened, Updated
from ticketing import brakes_store, load
from ticketing.acts.aside import Aside, aside, decoded, take
from ticketing.acts.caller import Caller, Person, keep, owner, person
from ticketing.acts.kind import OpeningKind, ToOpen
from ticketing.acts.scene import Stage
from ticketing.acts.update import BY_NAME_ONLY, Update
from ticketing.acts.whom import must_be_there
from ticketing.brakes import BrakesKnown
from ticketing.channels import LONGEST_MAIL
from ticketing.confirm import Opening, Suppressed
from ticketing.confirmations import confirmations
from ticketing.decision import FiledMessage
from ticketing.identities import mailbox_of
from ticketing.incoming import Incoming
from ticketing.match import Match, Place
from ticketing.outbox import Told
from ticketing.people.policy import Permission
from ticketing.received import message_received
from ticketing.tickets import Ticket

BY_HAND = "by_hand"
_NORMALIZER = "by hand 1"
_DESK = Actor(kind="system")
_DEPARTMENT = sa.text("SELECT id, reply_via FROM desk.departments WHERE id = :id")


class OpenTicket(Update):
    """`contact`: for whom; `text`: what he wants, in the agent's words. `owner`: an agent's id; without one whoever
    opens it. `call`: a message of the phone connector that belongs to it. `confirm`: tell the customer its number."""

    contact: Caller
    subject: str = Field(min_length=1, max_length=500, pattern=r"^[^\x00-\x1f\x7f]+$")
    text: str = Field(min_length=1, max_length=LONGEST_MAIL)
    channel: Literal["phone", "email", "website"] = "phone"
    department: str | None = Field(default=None, max_length=64)
    owner: str | None = Field(default=None, max_length=100)
    team: str | None = Field(default=None, max_length=100)
    call: str | None = Field(default=None, max_length=1_000)
    confirm: bool = True


@dataclass(frozen=True, slots=True)
class Known:
    """What is known of whoever calls, and where his ticket goes. `account`: the connector that answers it."""

    person: Person
    call: Sequence[Aside]
    brakes: BrakesKnown
    account: str
    department: str
    id: str
    number: int


async def read(connection: AsyncConnection, asked: ToOpen[OpenTicket]) -> Known:
    """The contact, the call, what was sent to him today, and a number."""
    given, desk = asked.given, asked.desk
    await must_be_there(connection, given.owner, given.team)
    channel: Channel = given.channel
    account, department = desk.confirming.desk.reply_via.get(channel, ""), given.department
    if department is not None:
        row = (await connection.execute(_DEPARTMENT, {"id": department})).one_or_none()
        if row is None and department:
            raise Invalid(f"there is no department {department}")
        account = (row.reply_via if row is not None else None) or account
    call = await aside(connection, given.call) if given.call else ()
    found = await person(connection, await _caller(connection, given.contact, call), uuid4().hex)
    mailboxes = {mailbox_of(kind, address) for kind, address in found.reached_by.items()}
    [number] = await load.numbers(connection, 1)
    return Known(
        found,
        call,
        await brakes_store.read(connection, mailboxes, (), asked.now),
        account,
        desk.policy.department(account) if department is None else department,
        uuid4().hex,
        number,
    )


async def _caller(connection: AsyncConnection, caller: Caller, call: Sequence[Aside]) -> Caller:
    """With the number that the call came from, unless it is somebody's already."""
    author = call[0].message.author if call else None
    if author is None or caller.phone is not None or author.kind != "phone" or not author.verified:
        return caller
    theirs = await owner(connection, "phone", author.address) is not None
    return caller if theirs else caller.model_copy(update={"phone": author.address})


def decide(stage: Stage[Known], given: OpenTicket) -> Ticket:
    """Open it, give it to its owner, and tell the customer."""
    known, now = stage.facts, stage.now
    who = known.person
    keep(stage, who)
    ticket = Ticket(
        id=known.id,
        number=known.number,
        contact_id=who.id,
        account_id=who.account_id,
        channel=given.channel,
        account=known.account,
        department=known.department,
        subject=given.subject,
        language=who.language,
        opened_at=now,
        last_message_at=now,
        updated_at=now,
        requester=None,
        priority=given.priority,
        category=given.category,
        ticket_kind=given.kind,
        tags=given.tags,
        due_at=given.due_at,
    )
    stage.decision.opened.append(ticket)
    opened = Opened(
        channel=given.channel, account=known.account, language=who.language, priority=given.priority, manual=True
    )
    stage.tell_on(ticket, "ticket.opened", opened)
    message = _message(stage, given)
    match = Match(BY_HAND, "none")
    stage.decision.messages.append(FiledMessage(message, ticket.id, None, who.id, Place(match, True, False)))
    # the agent has written it: nobody waits for an answer to it
    stage.tell_on(ticket, "ticket.message_received", message_received(message, match, third_party=False))
    ticket.messages = 1
    for one in known.call:
        take(stage, ticket, one, who.id)
    _confirm(stage, given, ticket)
    ticket.owner_id = given.owner if "owner" in given.model_fields_set else stage.who.agent_id
    ticket.team_id = given.team
    if ticket.owner_id or ticket.team_id:
        stage.tell_on(ticket, "ticket.assigned", Assigned(owner_id=ticket.owner_id, team_id=ticket.team_id))
    _told_of_fields(stage, given, ticket)
    return ticket


def _message(stage: Stage[Known], given: OpenTicket) -> Incoming:
    who = stage.facts.person
    ways = [(kind, who.reached_by[kind]) for kind in ("phone", "email") if kind in who.reached_by]
    ways += [(kind, address) for kind, address in who.reached_by.items() if kind not in ("phone", "email")]
    kind, address = ways[0] if ways else ("phone", "")
    also = [Identity(kind=other, address=value) for other, value in ways[1:]]
    document = NormalizedMessage(
        message_id=f"{stage.facts.id}{stage.facts.id}",
        normalizer=_NORMALIZER,
        channel=given.channel,
        account=stage.facts.account,
        source_id=f"by-hand/{stage.facts.id}",
        author=Author(kind=kind, address=address, name=who.name, also=also),
        subject=given.subject,
        text=given.text,
        reply_text=given.text,
        sent_at=stage.now,
        received_at=stage.now,
    )
    return decoded(document.to_json().decode(), None, stage.now)


def _confirm(stage: Stage[Known], given: OpenTicket, ticket: Ticket) -> None:
    known, desk = stage.facts, stage.desk
    email = known.person.reached_by.get("email")
    reply = Suppressed("off")
    if given.confirm and email is None:
        reply = Suppressed("no_way")
    elif given.confirm and email is not None:
        asking = confirmations(desk.confirming, known.brakes, stage.now)
        opening = Opening(
            ticket_id=ticket.id,
            number=ticket.number,
            channel=given.channel,
            account=known.account,
            author=Author(kind="email", address=email, name=known.person.name),
            language=None,
            source_id="",
            automation="human",
            now=stage.now,
            received_at=stage.now,
            earlier=known.person.language,
            known=True,  # an agent has spoken with him
        )
        answer = asking(opening)
        stage.brakes = asking.brakes
        if not isinstance(answer, Suppressed):
            stage.decision.replies.append(Told(answer))
            stage.tell_on(ticket, "ticket.confirmed", Confirmed(reply_id=answer.reply_id), actor=_DESK)
            return
        reply = answer
    stage.tell_on(ticket, "ticket.confirmation_suppressed", ConfirmationSuppressed(reason=reply.reason), actor=_DESK)


def _told_of_fields(stage: Stage[Known], given: OpenTicket, ticket: Ticket) -> None:
    values = {"category": ticket.category, "ticket_kind": ticket.ticket_kind, "tags": ticket.tags}
    fields: dict[str, list[object] | None] = {
        name: None if name in BY_NAME_ONLY else [None, value] for name, value in values.items() if value
    }
    if fields:
        stage.tell_on(ticket, "ticket.updated", Updated(fields=fields))
    if given.due_at is not None:
        stage.tell_on(ticket, "ticket.due_set", DueSet(which="resolution", due_at=given.due_at))


OPEN_TICKET = OpeningKind(
    name="open",
    summary="Open a ticket by hand, for somebody who has called.",
    permission=Permission.WORK_TICKETS,
    input=OpenTicket,
    read=read,
    decide=decide,
)
