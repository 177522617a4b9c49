"""A ticket's status, whoever changes it: filing by a customer's message, agents, rules. Pure."""

from datetime import datetime
from typing import Literal

from bus.errors import Invalid
from bus.ticket_event import Actor, Status
from bus.ticket_event_data import Closed, Reopened, StatusChanged
from ticketing.tickets import Cause, Ticket

By = Literal["agent", "customer", "rule"]


def close(ticket: Ticket, cause: Cause, *, by: By, actor: Actor, at: datetime, now: datetime) -> None:
    """Close it. Raises Invalid when it is closed."""
    if ticket.status == "closed":
        raise Invalid(f"ticket {ticket.number} is closed already")
    ticket.status, ticket.closed_at = "closed", at
    ticket.tell("ticket.closed", Closed(by=by), cause, at=at, now=now, actor=actor)


def reopen(
    ticket: Ticket,
    cause: Cause,
    *,
    by: By,
    actor: Actor,
    at: datetime,
    now: datetime,
    message_id: str | None = None,
) -> bool:
    """Open it again if it is closed; whether it was. `message_id`: what did it."""
    if ticket.status != "closed":
        return False
    ticket.status, ticket.closed_at = "open", None
    data = Reopened(by=by, message_id=message_id)
    ticket.tell("ticket.reopened", data, cause, at=at, now=now, actor=actor)
    return True


def change(ticket: Ticket, new: Status, cause: Cause, *, actor: Actor, at: datetime, now: datetime) -> None:
    """From one status of an open ticket to another. Raises Invalid when it is closed, or has this one."""
    if ticket.status == "closed":
        raise Invalid(f"ticket {ticket.number} is closed; reopen it first")
    if ticket.status == new:
        raise Invalid(f"ticket {ticket.number} is {new.replace('_', ' ')} already")
    data = StatusChanged(old=ticket.status, new=new)
    ticket.status = new
    ticket.tell("ticket.status_changed", data, cause, at=at, now=now, actor=actor)
