"""Ticket events: the history of every ticket, gapless by version (`tickets.events`).

No text that a person wrote stands here: ids, kinds, times and numbers only.
"""

import hashlib
from typing import Any, Literal

from bus.model import Time, Wire

TicketEventType = Literal[
    "ticket.opened",
    "ticket.message_received",
    "ticket.message_revised",
    "ticket.confirmed",
    "ticket.confirmation_suppressed",
    "ticket.replied",
    "ticket.delivery_updated",
    "ticket.commented",
    "ticket.updated",
    "ticket.assigned",
    "ticket.attachment_added",
    "ticket.status_changed",
    "ticket.closed",
    "ticket.reopened",
    "ticket.due_set",
    "ticket.became_overdue",
    "ticket.escalated",
    "ticket.merged",
    "ticket.absorbed",
    "ticket.unmerged",
    "ticket.split",
    "ticket.message_moved",
    "ticket.spam_marked",
    "ticket.spam_unmarked",
    "ticket.rated",
]
Status = Literal["open", "on_hold", "escalated", "closed"]
DeliveryState = Literal["queued", "deferred", "sent", "uncertain", "failed", "bounced"]


class Actor(Wire):
    """Who did it; `id` names the agent, contact or rule."""

    kind: Literal["customer", "agent", "rule", "system"]
    id: str | None = None


class TicketEvent(Wire):
    """One thing that happened to a ticket. `version` is 1, 2, 3 … per ticket without gaps."""

    kind: Literal["ticket.event.v1"] = "ticket.event.v1"
    event_id: str
    ticket_id: str
    number: int
    version: int
    type: TicketEventType
    occurred_at: Time
    recorded_at: Time
    actor: Actor
    contact_id: str | None = None
    account_id: str | None = None
    data: dict[str, Any] = {}


def event_id(ticket_id: str, cause: str, n: int) -> str:
    """The id of the n-th event that `cause` (message id, idempotency key, `due:<time>` …) has on a ticket."""
    return hashlib.sha256(f"{ticket_id}\0{cause}\0{n}".encode()).hexdigest()[:32]
