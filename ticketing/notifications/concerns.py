"""Of what an event tells which agent. Pure."""

from dataclasses import dataclass, replace
from datetime import datetime

from bus.ticket_event import TicketEvent, TicketEventType
from ticketing.people.models import Notification

TYPES: tuple[TicketEventType, ...] = (
    "ticket.assigned",
    "ticket.message_received",
    "ticket.became_overdue",
    "ticket.escalated",
    "ticket.delivery_updated",
)
"""Of these alone somebody may be told."""
STAYS_DEFERRED = 3
"""A reply that was deferred so many times is not on its way any more, as far as its writer is concerned."""


@dataclass(frozen=True, slots=True)
class Concern:
    """What to tell. `agent`, `team`: whom, where the event says so; else whoever the ticket is. `but`: who did it.

    The same `cause` is told once. `reply`: it concerns who wrote this, once it was tried `attempts` times.
    """

    kind: Notification
    ticket_id: str
    cause: str
    at: datetime
    agent: str | None = None
    team: str | None = None
    but: str | None = None
    reply: str | None = None
    attempts: int = 0


def concern(event: TicketEvent) -> Concern | None:
    """What this event tells agents; None: nothing."""
    data = event.data
    but = event.actor.id if event.actor.kind == "agent" else None
    found = Concern("assigned", event.ticket_id, event.event_id, event.occurred_at, but=but)
    match event.type:
        case "ticket.assigned" if data.get("owner_id") or data.get("team_id"):
            return replace(found, agent=data.get("owner_id"), team=data.get("team_id"))
        case "ticket.message_received" if event.version > 2 and data.get("automation") == "human" and not but:
            return replace(found, kind="answered")
        case "ticket.became_overdue":
            return replace(found, kind="overdue")
        case "ticket.escalated" if data.get("to"):
            return replace(found, kind="escalated", agent=data["to"], team=data["to"])
        case "ticket.delivery_updated" if data.get("state") in ("deferred", "failed", "bounced"):
            state, reply = data["state"], str(data.get("reply_id"))
            attempts = STAYS_DEFERRED if state == "deferred" else 0
            return replace(found, kind="deferred", cause=f"{reply}:{state}", reply=reply, attempts=attempts)
    return None
