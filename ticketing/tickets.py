"""A ticket while a batch changes it, and the history it writes as it changes."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Protocol

from bus.calendars import instant
from bus.model import Wire
from bus.ticket_event import Actor, Status, TicketEvent, TicketEventType, event_id
from ticketing.clocks import NO_CLOCKS, Clocks
from ticketing.outbox import Told


class Cause(Protocol):
    """What changes tickets: a message, or an agent's act. `cause`: what ids of events are made of."""

    @property
    def cause(self) -> str: ...

    @property
    def traceparent(self) -> str | None: ...


@dataclass(frozen=True, slots=True)
class Requester:
    """A message whose author may be the requester: the earliest root, else the earliest of all (threading §2)."""

    message_id: str
    contact_id: str
    received_at: datetime
    is_root: bool
    account_id: str | None = None

    @property
    def rank(self) -> tuple[bool, datetime, str]:
        """The lowest is the requester."""
        return (not self.is_root, self.received_at, self.message_id)


@dataclass(slots=True)
class Ticket:
    """The columns that filing and acts read and write. `requester`: None for a ticket that an agent made by hand."""

    id: str
    number: int
    contact_id: str
    account_id: str | None
    channel: str
    account: str
    subject: str | None
    language: str | None
    opened_at: datetime
    last_message_at: datetime
    updated_at: datetime
    requester: Requester | None
    status: Status = "open"
    priority: str = "normal"
    closed_at: datetime | None = None
    merged_into: str | None = None
    follows: str | None = None
    possible_reply_to: int | None = None
    token_generation: int = 0
    department: str = ""
    messages: int = 0
    attachments: int = 0
    replies: int = 0
    version: int = 0
    category: str | None = None
    ticket_kind: str | None = None
    owner_id: str | None = None
    team_id: str | None = None
    tags: Sequence[str] = ()
    due_at: datetime | None = None
    spam: bool = False
    timed: Clocks = NO_CLOCKS
    history: list[Told[TicketEvent]] = field(default_factory=list)
    told_by: Counter[str] = field(default_factory=Counter)

    @property
    def root_id(self) -> str:
        """The survivor: itself, unless this batch merges it."""
        return self.merged_into or self.id

    @property
    def clocks(self) -> dict[str, Any]:
        """Its clocks as they are stored."""
        return self.timed.to_json()

    @property
    def next_due_at(self) -> datetime | None:
        """When its clocks have something to tell next."""
        moment = self.timed.next()
        return None if moment is None else instant(moment.at)

    @property
    def requester_message_id(self) -> str | None:
        """Whose author the requester is."""
        return self.requester.message_id if self.requester else None

    def tell(
        self,
        type_: TicketEventType,
        data: Wire | dict[str, Any],
        cause: Cause,
        *,
        at: datetime,
        now: datetime,
        actor: Actor,
    ) -> None:
        """Write the next event of its history."""
        self.version += 1
        self.updated_at = now
        n = self.told_by[cause.cause]
        self.told_by[cause.cause] += 1
        event = TicketEvent(
            event_id=event_id(self.id, cause.cause, n),
            ticket_id=self.id,
            number=self.number,
            version=self.version,
            type=type_,
            occurred_at=at,
            recorded_at=now,
            actor=actor,
            contact_id=self.contact_id,
            account_id=self.account_id,
            data=data.model_dump() if isinstance(data, Wire) else data,
        )
        self.history.append(Told(event, cause.traceparent))
