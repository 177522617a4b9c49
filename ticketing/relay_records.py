"""Outbox rows and ticket documents → the records that one transaction of the relay publishes. Pure."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from bus import topics
from bus.connector import RelayCursor
from bus.headers import cloud_event
from bus.record import Outgoing
from bus.ticket_state import TicketState
from ticketing.outbox_order import OutboxRow

SOURCE = "/ticketing"
CURSOR_KEY = "relay"


@dataclass(frozen=True, slots=True)
class RelayTopics:
    """Where the relay publishes; a prefix sets several desks on one Kafka apart."""

    prefix: str = ""

    @property
    def cursor(self) -> str:
        """Where it keeps its own position."""
        return self.prefix + topics.RELAY_CURSOR

    @property
    def state(self) -> str:
        """Where ticket documents go."""
        return self.prefix + topics.TICKET_STATE

    def of(self, row: OutboxRow) -> str:
        """Where a row of the outbox goes."""
        if row.kind == "reply":
            return self.prefix + topics.replies_topic(row.type)
        return self.prefix + (topics.TICKET_EVENTS if row.kind == "ticket" else topics.CONTACT_EVENTS)


def records(
    where: RelayTopics, rows: Sequence[OutboxRow], states: Iterable[TicketState], database: str
) -> list[Outgoing]:
    """Everything one transaction holds: the rows untouched and in order, the documents, the cursor last."""
    found = [Outgoing(where.of(row), row.key, row.document.encode(), _headers(row)) for row in rows]
    found += [_state(where, state) for state in states]
    last = rows[-1]
    cursor = RelayCursor(outbox_id=last.id, database=database, mark=last.mark)
    found.append(Outgoing(where.cursor, CURSOR_KEY, cursor.to_json(), cloud_event(str(last.id), cursor.kind, SOURCE)))
    return found


def _headers(row: OutboxRow) -> tuple[tuple[str, bytes], ...]:
    if row.kind == "reply":
        return cloud_event(f"{row.name}/{row.version}", "reply.v1", SOURCE, traceparent=row.traceparent)
    return cloud_event(row.name, row.type, SOURCE, time=row.at, traceparent=row.traceparent)


def _state(where: RelayTopics, state: TicketState) -> Outgoing:
    headers = cloud_event(f"{state.id}/{state.version}", state.kind, SOURCE, time=state.updated_at)
    return Outgoing(where.state, state.id, state.to_json(), headers)
