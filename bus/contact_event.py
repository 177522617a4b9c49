"""Contact events: the history of every contact, gapless by version (`contacts.events`)."""

from typing import Any, Literal

from bus.message import Channel
from bus.model import Time, Wire
from bus.ticket_event import Actor


class ContactMerged(Wire):
    """Data of `contact.merged` (on the absorbed contact: who it is now)."""

    into: str


class ContactMoved(Wire):
    """Data of `contact.moved` and `contact.created`: the account (None: none) that new tickets go under."""

    account_id: str | None = None


class FeedbackReceived(Wire):
    """Data of `contact.feedback_received`: a message that was feedback only and opened no ticket."""

    message_id: str
    channel: Channel


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


CONTACT_DATA_MODELS: dict[str, type[Wire]] = {
    "contact.created": ContactMoved,
    "contact.merged": ContactMerged,
    "contact.moved": ContactMoved,
    "contact.feedback_received": FeedbackReceived,
}
"""The form of `data` for each type that has one."""
