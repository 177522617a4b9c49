"""A message as filing sees it: what decides where it belongs, and the document to keep."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal
from uuid import UUID

from bus.message import Author, AutomationKind, Channel, Priority
from bus.record import Position

MACHINES: frozenset[AutomationKind] = frozenset({"auto_reply", "out_of_office", "bounce", "feedback_report", "system"})
"""What never opens, reopens, closes, confirms or counts (threading §5)."""

Aside = Literal["call", "creation", "feedback", "notification"]
"""Why a message is kept in no ticket though a human wrote it: a call that nobody missed, a change of a message whose
creation has not come, feedback that wants no answer (docs/revisions.md); what an agent answers to a notification."""

_EARLY, _LATE = timedelta(hours=24), timedelta(minutes=5)


@dataclass(frozen=True, slots=True)
class Named:
    """An id that a message mentions, hashed; `kind` is how, `text` what an agent may see of it."""

    value: UUID
    kind: Literal["in_reply_to", "references", "bounced"]
    text: str


@dataclass(frozen=True, slots=True)
class Signed:
    """A genuine reply token, signed for the author of the message that carries it (ticketing.tokens.Reading)."""

    ticket: str
    generation: int
    old_key: bool


@dataclass(frozen=True, slots=True)
class Incoming:
    """One version of a message, decoded.

    `person`: who wrote it, in the form of `addressed`; `own`: its own id among the names, hashed like all names.
    `authentic`: its channel vouches for the author, for mail DMARC. `by_agent`: an authentic mail of an agent's.
    `signed`: reply tokens signed for its author; `claimed`: tickets named by tokens that are not; `answered`: tickets
    whose mail from this desk it names; `numbers`: tickets named in its subject; `thread`: the provider's conversation.
    `fingerprint`: of what was written, for mail: the same in every mailbox that got it. `document`: the JSON as it
    stood on its topic. `rating`: how a visitor found the conversation, and what he said of it.
    `declared`: the language somebody said it is in, `language` the one it was detected to be. `origin`: where it came
    from. `chain`: the ticket whose automatic mail caused it, as our own signed header says. `answerable`: the id by
    which its author's mail program knows it. `words`: a digest of what it says. `failed`: of a bounce, what the mail
    that did not arrive was called; `status`: its enhanced code (RFC 3463).
    `priority`, `category`: chosen in a form, among the answers that it offers.
    """

    id: str
    revision: int
    change: Literal["created", "edited", "removed"]
    normalizer: str
    replayed: bool
    channel: Channel
    account: str
    source_id: str
    author: Author
    person: str
    addressed: frozenset[str]
    subject: str | None
    language: str | None
    sent_at: datetime | None
    received_at: datetime
    visibility: Literal["public", "private"]
    automation: AutomationKind
    dmarc: str | None
    attachments: int
    raw: Position | None
    own: UUID
    named: tuple[Named, ...]
    thread: UUID | None
    signed: tuple[Signed, ...]
    claimed: frozenset[str]
    answered: tuple[tuple[str, Named], ...]
    numbers: tuple[int, ...]
    authentic: bool
    by_agent: bool
    fingerprint: UUID | None
    document: str
    traceparent: str | None
    declared: str | None = None
    origin: str | None = None
    answerable: str | None = None
    chain: str | None = None
    words: str | None = None
    failed: str | None = None
    status: str | None = None
    aside: Aside | None = None
    conversation: str | None = None
    is_call: bool = False
    by_staff: bool = False
    priority: Priority | None = None
    category: str | None = None
    rating: tuple[Literal["good", "ok", "bad"], str | None] | None = None

    @property
    def opens(self) -> bool:
        """Whether it may open a ticket, and its author may be a ticket's requester."""
        return self.automation not in MACHINES

    @property
    def cause(self) -> str:
        """What ids of events are made of: the message, and which state of it."""
        return f"{self.id}/{self.revision}" if self.revision else self.id

    @property
    def forged(self) -> bool:
        """Whether the author's own domain disowns it: then what it knows joins it to nothing."""
        return self.dmarc == "fail"

    @property
    def occurred_at(self) -> datetime:
        """The source's time where it can be believed, else the time of reception."""
        sent, received = self.sent_at, self.received_at
        return sent if sent is not None and received - _EARLY <= sent <= received + _LATE else received


@dataclass(frozen=True, slots=True)
class Ignorable:
    """A raw record from which nothing is to be filed, and why."""

    raw: Position
    reason: str
