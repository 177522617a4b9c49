"""TicketState: a ticket as it is after `version` (`tickets.state`, compacted; null deletes)."""

from typing import Literal

from bus.message import Channel, Priority
from bus.model import Time, Wire
from bus.ticket_event import Status


class Counts(Wire):
    """How many messages, attachments and replies a ticket has."""

    messages: int = 0
    attachments: int = 0
    replies: int = 0


class TicketState(Wire):
    """The document that lists show and subscribers start from.

    `aliases`: numbers of tickets merged into this one. `merged_into`: id of the survivor, if it was merged.
    `follows`: number of the closed ticket that this one takes up; `possible_reply_to`: of one it may be a reply to.
    `spam`: an agent has said that it is.
    """

    kind: Literal["ticket.state.v1"] = "ticket.state.v1"
    id: str
    number: int
    aliases: list[int] = []
    merged_into: str | None = None
    follows: int | None = None
    possible_reply_to: int | None = None
    subject: str | None = None
    status: Status = "open"
    priority: Priority = "normal"
    category: str | None = None
    ticket_kind: Literal["problem", "question", "thanks"] | None = None
    owner_id: str | None = None
    team_id: str | None = None
    contact_id: str | None = None
    contact_name: str | None = None
    account_id: str | None = None
    channel: Channel
    account: str
    language: str | None = None
    due_at: Time | None = None
    spam: bool = False
    tags: list[str] = []
    counts: Counts = Counts()
    opened_at: Time
    last_message_at: Time
    updated_at: Time
    closed_at: Time | None = None
    version: int
