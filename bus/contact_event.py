"""Contact events: the history of every contact, gapless by version (`contacts.events`)."""

from typing import Any, Literal

from bus.model import Time, Wire
from bus.ticket_event import Actor


class ContactEvent(Wire):
    """One thing that happened to a contact; no names and addresses stand here."""

    kind: Literal["contact.event.v1"] = "contact.event.v1"
    event_id: str
    contact_id: str
    version: int
    type: Literal[
        "contact.created",
        "contact.updated",
        "contact.merged",
        "contact.unmerged",
        "contact.moved",
        "contact.erased",
        "contact.feedback_received",
    ]
    occurred_at: Time
    recorded_at: Time
    actor: Actor
    data: dict[str, Any] = {}
