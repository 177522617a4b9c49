"""What a connector counts and says of itself (`connectors.status`, `/metrics`)."""

from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Literal

from prometheus_client import Counter

from bus.connector import ConnectorStatus
from bus.errors import ErrorClass
from bus.headers import cloud_event
from bus.record import Outgoing
from bus.topics import STATUS
from ingest import meters
from ingest.source_state import SourceState

RECEIVED = Counter("deskstream_received_records_total", "Raw records that Kafka has acknowledged", ["connector"])
UNDERSTOOD = Counter("deskstream_understood_messages_total", "Messages published from raw records", ["connector"])
PARKED = Counter("deskstream_not_understood_records_total", "Raw records among the dead letters", ["connector"])

State = Literal["running", "paused", "failing", "stopped"]

_POISON_SHOWN = 900.0
"""Seconds for which a record that was parked is the connector's problem, if it has no other."""


def _now() -> datetime:
    return datetime.now(UTC)


@dataclass(slots=True)
class Tally:
    """Counts since this process began; the last times are those of the connector, whichever process it was."""

    connector: str
    type: str
    source: SourceState = field(default_factory=SourceState)
    silent_after: float | None = None
    state: State = "running"
    since: datetime = field(default_factory=_now)
    received: int = 0
    understood: int = 0
    parked: int = 0
    sent: int = 0
    last_received_at: datetime | None = None
    last_parked_at: datetime | None = None
    first_seen_at: datetime = field(default_factory=_now)

    def has_received(self, count: int) -> None:
        """So many raw records stand on their topic."""
        self.received += count
        self.last_received_at = _now()
        self.source.succeeded()
        RECEIVED.labels(self.connector).inc(count)

    def has_understood(self, messages: int, parked: int) -> None:
        """So many messages were published, and so many records parked."""
        self.understood += messages
        self.parked += parked
        if parked:
            self.last_parked_at = _now()
        UNDERSTOOD.labels(self.connector).inc(messages)
        PARKED.labels(self.connector).inc(parked)

    def has_sent(self) -> None:
        """A reply was sent."""
        self.sent += 1
        self.source.succeeded("send")

    def recall(self, before: ConnectorStatus | None) -> None:
        """Go on from what the process before this one said."""
        if before is None:
            return
        self.last_received_at = _later(self.last_received_at, before.last_received_at)
        self.source.last_success_at = _later(self.source.last_success_at, before.last_success_at)
        if before.last_received_at is None:
            self.first_seen_at = min(self.first_seen_at, before.since)

    def silence(self, now: datetime) -> float:
        """Seconds since something was received; for one that never has, since it began."""
        return max(0.0, (now - (self.last_received_at or self.first_seen_at)).total_seconds())

    def status(self, state: State, last_error: str | None, *, paused_by: str | None = None) -> Outgoing:
        """The record that says so."""
        now = _now()
        if state != self.state:
            self.state, self.since = state, now
        source = self.source
        error, error_class = self._problem(state, last_error, now)
        status = ConnectorStatus(
            connector=self.connector,
            type=self.type,
            state=state,
            since=self.since,
            at=now,
            received=self.received,
            understood=self.understood,
            parked=self.parked,
            sent=self.sent,
            last_received_at=self.last_received_at,
            last_error=error,
            error_class=error_class,
            last_success_at=source.last_success_at,
            silent_after=self.silent_after,
            source_lag=source.lag,
            quotas=list(source.quotas.values()),
            credential_expires_at=source.credential_expires_at,
            polls=source.polls,
            paused_by=paused_by,
        )
        meters.show(status, self.silence(now))
        headers = cloud_event(self.connector, status.kind, f"/connectors/{self.connector}", time=now)
        return Outgoing(STATUS, self.connector, status.to_json(), headers)

    def _problem(self, state: State, said: str | None, now: datetime) -> tuple[str | None, ErrorClass | None]:
        for problem in self.source.problems.values():
            return said or str(problem), problem.kind
        if said is not None or state == "failing":
            return said, "transient"
        if self.last_parked_at and (now - self.last_parked_at).total_seconds() < _POISON_SHOWN:
            return "a record could not be understood; look at `deskstream dead-letters list`", "poison"
        return None, None


def _later(one: datetime | None, other: datetime | None) -> datetime | None:
    return max((each for each in (one, other) if each is not None), default=None)
