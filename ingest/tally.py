"""What a connector counts and says of itself (`connectors.status`, `/metrics`)."""

from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Literal

from prometheus_client import Counter

from bus.connector import ConnectorStatus
from bus.headers import cloud_event
from bus.record import Outgoing
from bus.topics import STATUS

RECEIVED = Counter("deskstream_received_records_total", "Raw records that Kafka has acknowledged", ["connector"])
UNDERSTOOD = Counter("deskstream_understood_messages_total", "Messages published from raw records", ["connector"])
PARKED = Counter("deskstream_not_understood_records_total", "Raw records among the dead letters", ["connector"])

State = Literal["running", "paused", "failing", "stopped"]


@dataclass(slots=True)
class Tally:
    """Counts since this process began."""

    connector: str
    type: str
    state: State = "running"
    since: datetime = field(default_factory=lambda: datetime.now(UTC))
    received: int = 0
    understood: int = 0
    parked: int = 0
    sent: int = 0
    last_received_at: datetime | None = None

    def has_received(self, count: int) -> None:
        """So many raw records stand on their topic."""
        self.received += count
        self.last_received_at = datetime.now(UTC)
        RECEIVED.labels(self.connector).inc(count)

    def has_understood(self, messages: int, parked: int) -> None:
        """So many messages were published, and so many records parked."""
        self.understood += messages
        self.parked += parked
        UNDERSTOOD.labels(self.connector).inc(messages)
        PARKED.labels(self.connector).inc(parked)

    def has_sent(self) -> None:
        """A reply was sent."""
        self.sent += 1

    def status(self, state: State, last_error: str | None) -> Outgoing:
        """The record that says so."""
        now = datetime.now(UTC)
        if state != self.state:
            self.state, self.since = state, now
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
            last_error=last_error,
        )
        headers = cloud_event(self.connector, status.kind, f"/connectors/{self.connector}", time=now)
        return Outgoing(STATUS, self.connector, status.to_json(), headers)
