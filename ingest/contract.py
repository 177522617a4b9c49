"""What a connector is: three small parts, each on its own side of a topic, and the row that names them.

Receive: push onward, *then* acknowledge the source, *then* store the cursor. A crash between any two of these
repeats work; it never loses any, and ids make the repetition harmless.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any, Generic, Protocol, TypeVar, runtime_checkable

from pydantic import BaseModel, Field

from bus.blobs import BlobStore
from bus.errors import Retryable
from bus.health import Health
from bus.kafka_settings import KafkaSettings
from bus.message import Channel
from bus.raw import RawMessage
from bus.record import Position
from bus.reply import Reply
from bus.settings import Section
from ingest.intake.route import Route
from ingest.live_replies import LiveReplies
from ingest.source_state import SourceState
from ingest.tenure import Tenure, Unshared

C = TypeVar("C", bound=BaseModel)
S = TypeVar("S", bound="ConnectorSettings")


class Uncertain(Exception):
    """The reply may have been accepted, or not: the connection went after the last byte. One line, no secret."""


class Refused(Exception):
    """The reply was not accepted and never will be (5xx, unknown address). One line, no secret."""


class Away(Retryable):
    """Nothing is wrong, but the customer is not there now. `elsewhere`: he may be written to by mail instead."""

    def __init__(self, text: str, *, after: float | None = None, elsewhere: bool = False) -> None:
        super().__init__(text, after=after)
        self.elsewhere = elsewhere


class Emit(Protocol):
    """Puts raw records on `raw.<channel>`, in order; payloads too long for a record go to the blob store first.

    MUST return only once Kafka has acknowledged all of them; MUST raise Retryable when that is not certain, and
    Invalid when a record can never be published. Cancelling the caller MUST NOT take back what is under way.
    Returns where the records stand.
    """

    async def __call__(self, *raw: RawMessage) -> Sequence[Position]: ...


class Receiver(Protocol):
    """A source of raw records. `run` goes on until it is cancelled (stop, or pause: then it is run again).

    MUST acknowledge its source only after `emit` has returned, and refuse for the time being when it raised
    Retryable; MUST give each record the bytes as they came; MUST raise ConfigError for a setting that cannot
    work; on cancellation MUST take nothing new and let what it has begun to emit come to its end.
    """

    async def run(self, emit: Emit) -> None: ...


class Sender(Protocol):
    """Hands one reply to the customer's channel and returns the provider's id of it.

    Raises Retryable (certainly not accepted: no connection, 4xx), Uncertain (may have been accepted) or
    Refused (never will be). MUST NOT repeat by itself; MUST come to an end within a minute; MUST NOT put a
    secret into an error. `idempotent`: a repetition of the same reply is harmless and nobody sees it, so that
    an uncertain attempt may be made again.
    """

    idempotent: bool

    async def send(self, reply: Reply) -> str: ...

    async def close(self) -> None: ...


@dataclass(frozen=True, slots=True)
class Page(Generic[C]):
    """What one look at a source brought, and the cursor from which the next begins."""

    messages: Sequence[RawMessage]
    cursor: C


class Poller(Protocol[C]):
    """A source that is asked. `fetch` MUST return each item after `after` once and in the source's order, a
    bounded number of them, and MUST NOT change the source; `confirm` (mark seen …) comes after the cursor is
    stored, may be repeated or never come. Both raise Retryable, whose `kind` says what an operator does about it.
    A page without messages whose cursor differs from `after` is stored too; only then is there a pause.
    """

    async def fetch(self, after: C | None) -> Page[C]: ...

    async def confirm(self, page: Page[C]) -> None: ...


@runtime_checkable
class Rewindable(Protocol[C]):
    """A Poller whose source can be read again. `rewound`: the cursor from which the next looks bring all that was
    written since then, as far as the source goes back. Pure; what was filed already is recognised by its id.
    """

    def rewound(self, after: C | None, since: datetime) -> C: ...


class Cursors(Protocol):
    """How far a connector has read its source; `store` returns once Kafka has it. Both raise Retryable."""

    async def load(self, connector: str) -> Mapping[str, Any] | None: ...

    async def store(self, connector: str, cursor: Mapping[str, Any]) -> None: ...


TYPE = "which connector of the table it is"


class ConnectorSettings(Section):
    """What every `[connectors.NAME]` section has; each type's own model adds its keys."""

    type: str = Field(description=TYPE)
    silent_after: float = Field(
        default=3 * 86_400.0,
        gt=0,
        description="seconds after which a connector that has received nothing counts as silent, which is an error",
    )


@dataclass(frozen=True, slots=True)
class Place:
    """What a connector finds where it runs. `name`: the instance, which is the `account` of its records.

    `announce(smtp="127.0.0.1:2525")` tells the supervisor an address; `health.set("NAME: what", problem)`.
    `source`: what only the connector knows of its source (lag, quota, expiry), for its status. `tenure`: who polls.
    `live`: the replies of conversations that go on in this process, shared by the connector's parts.
    """

    name: str
    data: Path
    blobs: BlobStore
    cursors: Cursors
    health: Health
    announce: Callable[..., None]
    source: SourceState = field(default_factory=SourceState)
    tenure: Tenure = field(default_factory=Unshared)
    live: LiveReplies = field(default_factory=LiveReplies)


@dataclass(frozen=True, slots=True)
class Connector(Generic[S]):
    """One row of the table; `name` is what a section's `type` says.

    Making a part MUST NOT connect to anything; it raises ConfigError, one line.

    `raw_key`: the key of a raw record, which keeps together what must stay in order. What a source pushes by HTTP
    comes in through `web`'s routes below `/in/NAME/` (ingest.intake.route), what it pushes otherwise or is asked for
    through `receiver`; a connector may have both. `probe` reaches the other side with these settings, changes nothing
    there, and says in a sentence what it found; it raises Retryable. `settings` of a row with `web` derive from
    `ingest.intake.settings.WebSettings`.
    """

    name: str
    channel: Channel
    settings: type[S]
    raw_key: Callable[[RawMessage], str]
    receiver: Callable[[S, Place], Receiver] | None = None
    sender: Callable[[S, Place], Sender] | None = None
    web: Callable[[S, Place], Sequence[Route]] | None = None
    probe: Callable[[S, Place], Awaitable[str]] | None = None


class RunSender(Protocol):
    """The form of `ingest.sending.run_sender`: the send part of one connector, until `stop` is set.

    A pause sets `stop`, a resumption calls it again. `counted` is called once for each reply that was sent.
    """

    async def __call__(
        self,
        row: Connector[Any],
        sender: Sender,
        place: Place,
        kafka: KafkaSettings,
        *,
        stop: asyncio.Event,
        counted: Callable[[], None],
    ) -> None: ...
