"""What an agent does to contacts: make, edit, merge, unmerge, move to an account (threading §4). Pure.

A merged contact keeps its identities and its id; `root_id` names the one it is part of. So an unmerge gives back
exactly what was there before, and what came in meanwhile under its identities.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, Literal

from bus.contact_event import ContactEvent
from bus.errors import Invalid
from bus.ticket_event import Actor, TicketEvent, event_id
from bus.ticket_event_data import Updated


@dataclass(frozen=True, slots=True)
class Contact:
    """A contact as it is under the lock. `root_id`: itself, unless it was merged."""

    id: str
    merged_into: str | None
    root_id: str
    account_id: str | None
    account_by: str | None
    version: int


@dataclass(frozen=True, slots=True)
class Held:
    """A ticket of one of these contacts. `own`: the contact it is of by itself, whatever that was merged into."""

    id: str
    number: int
    version: int
    contact_id: str
    account_id: str | None
    own: str


@dataclass(frozen=True, slots=True)
class Act:
    """Who does it and when. `key` names the act: done twice under one key it has happened once."""

    actor: Actor
    key: str
    now: datetime


@dataclass(slots=True)
class ContactDecision:
    """Everything to write. `tickets`: with their new contact; `apart`: a pair that is not to be suggested again."""

    contacts: list[Contact] = field(default_factory=list)
    tickets: list[Held] = field(default_factory=list)
    contact_events: list[ContactEvent] = field(default_factory=list)
    ticket_events: list[TicketEvent] = field(default_factory=list)
    apart: tuple[str, str] | None = None


def merge(
    absorbed: Contact, survivor: Contact, tree: Sequence[Contact], tickets: Sequence[Held], act: Act
) -> ContactDecision:
    """Make `absorbed` part of `survivor`, both roots. `tree`: what was merged into the former; `tickets`: all of it.

    Raises Invalid when they are one already.
    """
    if absorbed.root_id == survivor.root_id:
        raise Invalid(f"contact {absorbed.id} and contact {survivor.id} are one already")
    decision = ContactDecision()
    merged = _changed(absorbed, merged_into=survivor.id, root_id=survivor.id, version=absorbed.version + 1)
    grown = _changed(survivor, version=survivor.version + 1)
    decision.contacts = [merged, grown, *(_changed(each, root_id=survivor.id) for each in tree)]
    decision.contact_events = [
        _event(merged, "contact.merged", {"into": survivor.id}, act),
        _event(grown, "contact.updated", {"absorbed": absorbed.id}, act),
    ]
    for ticket in tickets:
        _follow(decision, ticket, survivor.id, act)
    return decision


def unmerge(
    contact: Contact, survivor: Contact, tree: Collection[Contact], tickets: Sequence[Held], act: Act
) -> ContactDecision:
    """Take `contact`, and `tree`, what was merged into it before, out of its survivor again. `tickets`: the survivor's.

    Raises Invalid when it is merged into nothing.
    """
    if contact.merged_into is None:
        raise Invalid(f"contact {contact.id} is not merged into another")
    decision = ContactDecision()
    freed = _changed(contact, merged_into=None, root_id=contact.id, version=contact.version + 1)
    left = _changed(survivor, version=survivor.version + 1)
    decision.contacts = [freed, left, *(_changed(each, root_id=contact.id) for each in tree)]
    decision.contact_events = [
        _event(freed, "contact.unmerged", {"from": survivor.id}, act),
        _event(left, "contact.updated", {"released": contact.id}, act),
    ]
    ours = {contact.id, *(each.id for each in tree)}
    for ticket in tickets:
        if ticket.own in ours:
            _follow(decision, ticket, contact.id, act)
    one, other = sorted((contact.id, contact.merged_into))
    decision.apart = (one, other)
    return decision


def move(contact: Contact, account_id: str | None, act: Act) -> ContactDecision:
    """Let a contact belong to another account, or to none. Its tickets keep the one they were opened under.

    Raises Invalid when it was merged into another, or belongs to this account already.
    """
    if contact.merged_into is not None:
        raise Invalid(f"contact {contact.id} is part of contact {contact.root_id}; move that one")
    if contact.account_id == account_id:
        raise Invalid(f"contact {contact.id} belongs to {f'account {account_id}' if account_id else 'none'} already")
    moved = _changed(contact, account_id=account_id, account_by="hand", version=contact.version + 1)
    data = {"from": contact.account_id, "to": account_id}
    return ContactDecision(contacts=[moved], contact_events=[_event(moved, "contact.moved", data, act)])


def create(id_: str, account_id: str | None, act: Act) -> ContactDecision:
    """A contact that an agent makes."""
    made = Contact(id_, None, id_, account_id, "hand" if account_id else None, 1)
    data = {"account_id": account_id} if account_id else {}
    return ContactDecision(contacts=[made], contact_events=[_event(made, "contact.created", data, act)])


def edit(contact: Contact, names: Collection[str], tickets: Sequence[Held], act: Act) -> ContactDecision:
    """Fields of a contact change; what they say stands in no event. `tickets`: whose documents show it."""
    edited = _changed(contact, version=contact.version + 1)
    fields = dict.fromkeys(sorted(names))
    decision = ContactDecision(
        contacts=[edited], contact_events=[_event(edited, "contact.updated", {"fields": fields}, act)]
    )
    for ticket in tickets:
        _tell(decision, ticket, Updated(fields={"contact_name": None}), act)
    return decision


def _changed(contact: Contact, **fields: Any) -> Contact:  # noqa: ANN401  # any of its fields
    values = {name: getattr(contact, name) for name in Contact.__slots__}
    return Contact(**{**values, **fields})


def _follow(decision: ContactDecision, ticket: Held, contact_id: str, act: Act) -> None:
    moved = replace(ticket, contact_id=contact_id)
    _tell(decision, moved, Updated(fields={"contact_id": [ticket.contact_id, contact_id]}), act)


def _tell(decision: ContactDecision, ticket: Held, data: Updated, act: Act) -> None:
    told = replace(ticket, version=ticket.version + 1)
    decision.tickets.append(told)
    decision.ticket_events.append(
        TicketEvent(
            event_id=event_id(ticket.id, act.key, 0),
            ticket_id=ticket.id,
            number=ticket.number,
            version=told.version,
            type="ticket.updated",
            occurred_at=act.now,
            recorded_at=act.now,
            actor=act.actor,
            contact_id=ticket.contact_id,
            account_id=ticket.account_id,
            data=data.model_dump(mode="json"),
        )
    )


def _event(
    contact: Contact,
    type_: Literal["contact.created", "contact.merged", "contact.unmerged", "contact.moved", "contact.updated"],
    data: dict[str, Any],
    act: Act,
) -> ContactEvent:
    return ContactEvent(
        event_id=event_id(contact.id, act.key, 0),
        contact_id=contact.id,
        version=contact.version,
        type=type_,
        occurred_at=act.now,
        recorded_at=act.now,
        actor=act.actor,
        data=data,
    )
