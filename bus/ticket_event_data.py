"""What each type of ticket event says (`data`)."""

from typing import Any, Literal

from bus.message import AuthorKind, AutomationKind, Channel, Priority
from bus.model import Time, Wire
from bus.ticket_event import DeliveryState, Status, TicketEventType


class MatchSummary(Wire):
    """By which rule a message joined its ticket; `evidence` names kinds only."""

    rule: str
    confidence: Literal["signed", "knowledge", "none"]
    evidence: list[str] = []


class Opened(Wire):
    """Data of `ticket.opened`. `follows`: number of the closed ticket it takes up; `split_from`: of the one it was
    split off; `possible_reply_to`: of one it may be a reply to, for an agent to say; `category`: of those that a form
    offers."""

    channel: Channel
    account: str
    language: str | None = None
    priority: Priority = "normal"
    category: str | None = None
    manual: bool = False
    possible_reply_to: int | None = None
    follows: int | None = None
    split_from: int | None = None


class MessageReceived(Wire):
    """Data of `ticket.message_received`; `automation` is the kind, `attachments` a count."""

    message_id: str
    source_id: str
    channel: Channel
    account: str
    author_kind: AuthorKind
    verified: bool
    automation: AutomationKind
    sent_at: Time | None
    received_at: Time
    visibility: Literal["public", "private"]
    third_party: bool
    match: MatchSummary
    attachments: int


class MessageRevised(Wire):
    """Data of `ticket.message_revised`."""

    message_id: str
    revision: int
    change: Literal["created", "edited", "removed"]


class Confirmed(Wire):
    """Data of `ticket.confirmed`: the confirmation is on its way."""

    reply_id: str


class ConfirmationSuppressed(Wire):
    """Data of `ticket.confirmation_suppressed`."""

    reason: str


class DeliveryUpdated(Wire):
    """Data of `ticket.delivery_updated`."""

    reply_id: str
    state: DeliveryState
    reason: str | None = None


class Replied(Wire):
    """Data of `ticket.replied`: an agent's answer to the customer is on its way."""

    reply_id: str
    agent_id: str
    visibility: Literal["public", "private"]
    channel: Channel


class Commented(Wire):
    """Data of `ticket.commented`: a note among agents."""

    comment_id: str


class Assigned(Wire):
    """Data of `ticket.assigned`: whose it is now; None: nobody's."""

    owner_id: str | None = None
    team_id: str | None = None


class StatusChanged(Wire):
    """Data of `ticket.status_changed`."""

    old: Status
    new: Status


class Closed(Wire):
    """Data of `ticket.closed`."""

    by: Literal["agent", "customer", "rule"]


class Reopened(Wire):
    """Data of `ticket.reopened`; `message_id`: the message that did it."""

    by: Literal["agent", "customer", "rule"]
    message_id: str | None = None


class DueSet(Wire):
    """Data of `ticket.due_set`: the clock `which` runs until `due_at`; None: it is stopped.

    Clocks are `first_response`, `next_response`, `resolution`. The calendar is the one by which time was counted.
    """

    which: str
    due_at: Time | None
    calendar: str | None = None
    calendar_version: int | None = None


class BecameOverdue(Wire):
    """Data of `ticket.became_overdue`: `due_at` of the clock `which` has passed."""

    which: str
    due_at: Time


class Escalated(Wire):
    """Data of `ticket.escalated`: to which agent or team, if to one in particular."""

    to: str | None = None


class AttachmentAdded(Wire):
    """Data of `ticket.attachment_added`: a file that an agent put on the ticket by itself."""

    sha256: str


class Rated(Wire):
    """Data of `ticket.rated`; without `reply_id` the whole conversation was rated."""

    rating: Literal["good", "ok", "bad"]
    reply_id: str | None = None
    agent_id: str | None = None
    has_words: bool = False


class Updated(Wire):
    """Data of `ticket.updated`: changed fields, each `[old, new]`; of text fields the name alone (None).

    `message_id`: where it is this message's field that changed (`third_party`).
    """

    fields: dict[str, list[Any] | None]
    message_id: str | None = None


class OtherTicket(Wire):
    """Data of `ticket.merged` (`into` is the survivor, on the absorbed ticket)."""

    into: str
    number: int


class Absorbed(Wire):
    """Data of `ticket.absorbed` (on the survivor: the ticket that went into it)."""

    ticket_id: str
    number: int


class Unmerged(Wire):
    """Data of `ticket.unmerged`, on both: the ticket that it is separate from again."""

    ticket_id: str
    number: int


class Split(Wire):
    """Data of `ticket.split`, on the old ticket: the new one, what went there, and whether it was in the wrong one."""

    ticket_id: str
    number: int
    message_ids: list[str]
    wrong_ticket: bool = False


class MessageMoved(Wire):
    """Data of `ticket.message_moved`, on both tickets: the message, the other ticket, and which way it went.

    On the ticket that it goes to also what its `ticket.message_received` said: `occurred_at` is that event's time.
    """

    message_id: str
    ticket_id: str
    number: int
    direction: Literal["in", "out"]
    channel: Channel | None = None
    automation: AutomationKind | None = None
    occurred_at: Time | None = None


DATA_MODELS: dict[TicketEventType, type[Wire]] = {
    "ticket.opened": Opened,
    "ticket.message_received": MessageReceived,
    "ticket.message_revised": MessageRevised,
    "ticket.confirmed": Confirmed,
    "ticket.confirmation_suppressed": ConfirmationSuppressed,
    "ticket.replied": Replied,
    "ticket.delivery_updated": DeliveryUpdated,
    "ticket.commented": Commented,
    "ticket.updated": Updated,
    "ticket.assigned": Assigned,
    "ticket.status_changed": StatusChanged,
    "ticket.closed": Closed,
    "ticket.reopened": Reopened,
    "ticket.due_set": DueSet,
    "ticket.became_overdue": BecameOverdue,
    "ticket.escalated": Escalated,
    "ticket.attachment_added": AttachmentAdded,
    "ticket.merged": OtherTicket,
    "ticket.absorbed": Absorbed,
    "ticket.unmerged": Unmerged,
    "ticket.split": Split,
    "ticket.message_moved": MessageMoved,
    "ticket.rated": Rated,
}
"""The form of `data` for each type that has one."""
