"""Two tickets become one, and a ticket turns out to be somebody else's: told alike, whoever finds it out. Pure."""

from datetime import datetime

from bus.ticket_event import Actor
from bus.ticket_event_data import Absorbed, OtherTicket, Updated
from ticketing.tickets import Cause, Requester, Ticket


def absorb(ticket: Ticket, other: Ticket, cause: Cause, *, actor: Actor, at: datetime, now: datetime) -> None:
    """`other` becomes part of `ticket`; both say so."""
    other.merged_into = ticket.id
    into = OtherTicket(into=ticket.id, number=ticket.number)
    other.tell("ticket.merged", into, cause, at=at, now=now, actor=actor)
    absorbed = Absorbed(ticket_id=other.id, number=other.number)
    ticket.tell("ticket.absorbed", absorbed, cause, at=at, now=now, actor=actor)


def is_of(ticket: Ticket, first: Requester, cause: Cause, *, actor: Actor, at: datetime, now: datetime) -> bool:
    """It is this requester's; whether that had to be told."""
    ticket.requester = first
    if first.contact_id == ticket.contact_id:
        return False
    fields: dict[str, list[object] | None] = {"contact_id": [ticket.contact_id, first.contact_id]}
    if first.account_id != ticket.account_id:
        fields["account_id"] = [ticket.account_id, first.account_id]
    ticket.contact_id, ticket.account_id = first.contact_id, first.account_id
    ticket.tell("ticket.updated", Updated(fields=fields), cause, at=at, now=now, actor=actor)
    return True
