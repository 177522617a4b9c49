"""What one pass of `verify` looks at, read once: the topics to their ends, and a snapshot of the database after it."""

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

import sqlalchemy as sa
from pydantic_core import from_json
from sqlalchemy.ext.asyncio import AsyncConnection

from bus.dead_letter import DeadLetter
from bus.kafka_settings import KafkaSettings
from bus.latest import latest_by_key, read_to_end
from bus.record import Position, Received
from bus.topics import CONTACT_EVENTS, DEAD_LETTERS, RECEIPTS, TICKET_EVENTS, TICKET_STATE


class Made(NamedTuple):
    """What was made of a raw record: a message, or nothing (an empty id)."""

    raw: Position
    message_id: str


@dataclass(frozen=True, slots=True)
class World:
    """`raw`: by position; `made`: by the position of its record on `messages.*`."""

    raw: Mapping[Position, Received]
    made: Mapping[Position, Made]
    letters: Mapping[str, DeadLetter]
    ticket_events: list[Received]
    contact_events: list[Received]
    ticket_states: Mapping[str, Received]
    receipts: Mapping[str, list[dict[str, Any]]]
    rows: Mapping[str, list[Any]]


_QUERIES = {
    "messages": "SELECT id, ticket_id, aside, automation, raw_topic, raw_partition, raw_offset, document "
    "FROM desk.messages",
    "settled": "SELECT raw_topic, raw_partition, raw_offset, message_id, outcome FROM desk.settled",
    "tickets": "SELECT id, number, root_id, contact_id, version FROM desk.tickets",
    "ticket_events": "SELECT id, event_id, ticket_id, version, type, document FROM desk.ticket_events ORDER BY id",
    "contact_events": "SELECT id, contact_id, version, document FROM desk.contact_events ORDER BY id",
    "replies": "SELECT id, ticket_id, purpose, coalesce(mailbox, recipient) AS recipient, state, created_at "
    "FROM desk.replies",
}


async def look(kafka: KafkaSettings, connection: AsyncConnection, channels: list[str]) -> World:
    """Read everything. The raw topics first: what was accepted before this moment must be settled after it."""
    raw = {r.position: r async for r in read_to_end(kafka, [f"raw.{channel}" for channel in channels])}
    made: dict[Position, Made] = {}
    async for record in read_to_end(kafka, [f"messages.{channel}" for channel in channels]):
        if (found := _made(record)) is not None:
            made[record.position] = found
    rows = {name: list((await connection.execute(sa.text(query))).all()) for name, query in _QUERIES.items()}
    receipts: dict[str, list[dict[str, Any]]] = defaultdict(list)
    async for record in read_to_end(kafka, [RECEIPTS]):
        if "state" in (receipt := _document(record)):
            receipts[record.key or ""].append(receipt)
    return World(
        raw=raw,
        made=made,
        letters={
            key: DeadLetter.from_json(r.value or b"") for key, r in (await latest_by_key(kafka, DEAD_LETTERS)).items()
        },
        ticket_events=[r async for r in read_to_end(kafka, [TICKET_EVENTS])],
        contact_events=[r async for r in read_to_end(kafka, [CONTACT_EVENTS])],
        ticket_states=await latest_by_key(kafka, TICKET_STATE),
        receipts=receipts,
        rows=rows,
    )


def _made(record: Received) -> Made | None:
    document = _document(record)
    match document.get("raw"):
        case {"topic": str(topic), "partition": int(partition), "offset": int(offset)}:
            return Made(Position(topic, partition, offset), str(document.get("message_id") or ""))
    return None


def _document(record: Received) -> dict[str, Any]:
    """The record's JSON object; an empty one where it is none, which is for the dead letters to tell."""
    try:
        found = from_json(record.value or b"")
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}
