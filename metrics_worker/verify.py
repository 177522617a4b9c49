"""Whether the figures are what the events say, digit by digit."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

import sqlalchemy as sa
from pydantic import ValidationError
from sqlalchemy.exc import DBAPIError

from bus.database import database_url
from bus.errors import Invalid
from bus.figures import CustomerMetrics, Figure
from bus.latest import latest_by_key, read_to_end
from bus.progress import database_error
from bus.record import Received
from bus.settings import Settings
from metrics_worker.contribution import MetricKey
from metrics_worker.database import engine as engine_of
from metrics_worker.event import decode
from metrics_worker.facts import TicketFacts
from metrics_worker.figures import figures
from metrics_worker.fold import fold
from metrics_worker.recompute import counters_of
from metrics_worker.service import NAMES
from metrics_worker.snapshot import Names

Check = Literal["unread", "unreadable", "facts", "counters", "total", "published"]


@dataclass(frozen=True, slots=True)
class Difference:
    """One thing that is not as it should be.

    `unread`: records that are not folded yet (`subject` topic/partition). `unreadable`: a record that cannot be
    folded. `facts`: a ticket's stored facts are not those of its events. `counters`: a stored number is not its
    recomputation. `total`: total is not open + closed. `published`: the topic does not hold what is stored.
    """

    check: Check
    subject: str
    expected: str
    found: str


@dataclass(frozen=True, slots=True)
class _State:
    """What the database held at one moment."""

    offsets: Mapping[int, int]
    tickets: Mapping[str, TicketFacts]
    counters: Mapping[MetricKey, int]
    revisions: Mapping[str, int]


async def differences(settings: Settings, *, names: Names = NAMES) -> list[Difference]:
    """All differences; empty when every event is folded, every number is right and published. Raises Retryable.

    Events are folded as far as the database says it has read them, so that a running desk shows `unread` and perhaps
    `published` differences for a moment, and others never.
    """
    state = await _state(settings, names)
    found: list[Difference] = []
    tickets: dict[str, TicketFacts] = {}
    unread: dict[str, int] = {}
    async for record in read_to_end(settings.kafka, [names.events]):
        if record.offset >= state.offsets.get(record.partition, 0):
            where = f"{record.topic}/{record.partition}"
            unread[where] = unread.get(where, 0) + 1
        elif (problem := _fold_into(tickets, record)) is not None:
            found.append(problem)
    found += [Difference("unread", where, "0 records", f"{n} records") for where, n in sorted(unread.items())]
    found += compare_facts(tickets, state.tickets)
    found += compare_counters(counters_of(tickets), state.counters, "events")
    found += compare_counters(counters_of(state.tickets), state.counters, "facts")
    found += totals(state.counters)
    published = await latest_by_key(settings.kafka, names.figures)
    return found + compare_published(state.counters, state.revisions, published)


def _fold_into(tickets: dict[str, TicketFacts], record: Received) -> Difference | None:
    try:
        event = decode(record)
        tickets[event.ticket_id] = fold(tickets.get(event.ticket_id), event)
    except Invalid as error:
        return Difference("unreadable", "/".join(map(str, record.position)), "a ticket event", str(error))
    return None


async def _state(settings: Settings, names: Names) -> _State:
    engine = engine_of(database_url(settings))
    try:
        async with engine.connect() as plain:
            connection = await plain.execution_options(isolation_level="REPEATABLE READ")
            progress = await connection.execute(
                sa.text(
                    "SELECT partition, next_offset FROM metrics.progress "
                    'WHERE "group" = :group AND topic = :topic AND next_offset IS NOT NULL'
                ),
                {"group": names.group, "topic": names.events},
            )
            facts = await connection.scalars(sa.text("SELECT document FROM metrics.ticket_facts"))
            counters = await connection.execute(sa.text("SELECT key, figure, n FROM metrics.counters WHERE n <> 0"))
            keys = await connection.execute(sa.text("SELECT key, revision FROM metrics.keys"))
            return _State(
                offsets={row.partition: row.next_offset for row in progress},
                tickets={each.ticket_id: each for each in map(TicketFacts.from_json, facts)},
                counters={MetricKey(row.key, row.figure): row.n for row in counters},
                revisions={row.key: row.revision for row in keys},
            )
    except DBAPIError as error:
        raise database_error(error) from error
    finally:
        await engine.dispose()


def compare_facts(expected: Mapping[str, TicketFacts], found: Mapping[str, TicketFacts]) -> list[Difference]:
    """Tickets whose stored facts are not those of their events."""
    return [
        Difference("facts", ticket_id, _shown(expected.get(ticket_id)), _shown(found.get(ticket_id)))
        for ticket_id in sorted(expected.keys() | found.keys())
        if expected.get(ticket_id) != found.get(ticket_id)
    ]


def _shown(facts: TicketFacts | None) -> str:
    return facts.to_json() if facts else "nothing"


def compare_counters(
    expected: Mapping[MetricKey, int], found: Mapping[MetricKey, int], source: str
) -> list[Difference]:
    """Numbers that are not what `source` (`events`, `facts`) adds up to."""
    return [
        Difference("counters", f"{key.key} {key.figure}", f"{expected.get(key, 0)} by {source}", str(found.get(key, 0)))
        for key in sorted(expected.keys() | found.keys())
        if expected.get(key, 0) != found.get(key, 0)
    ]


def totals(counters: Mapping[MetricKey, int]) -> list[Difference]:
    """Keys whose total is not open + closed."""
    found: list[Difference] = []
    for key in sorted({counter.key for counter in counters}):
        total, opened, closed = (counters.get(MetricKey(key, name), 0) for name in ("total", "open", "closed"))
        if total != opened + closed:
            found.append(Difference("total", key, f"{opened} open + {closed} closed", str(total)))
    return found


def compare_published(
    counters: Mapping[MetricKey, int], revisions: Mapping[str, int], published: Mapping[str, Received]
) -> list[Difference]:
    """Keys whose latest document is not what is stored."""
    stored: dict[str, dict[str, int]] = {key: {} for key in revisions}
    for counter, n in counters.items():
        stored.setdefault(counter.key, {})[counter.figure] = n
    found: list[Difference] = []
    for key in sorted(stored.keys() | published.keys()):
        expected = figures(stored[key]) if key in stored else None
        document = _document(published.get(key))
        if document is None or expected is None or document.key != key or document.figures != expected:
            found.append(
                Difference("published", key, _values(expected), _values(document.figures if document else None))
            )
        elif document.revision != revisions.get(key):
            revision = revisions.get(key)
            found.append(Difference("published", key, f"revision {revision}", f"revision {document.revision}"))
    return found


def _document(record: Received | None) -> CustomerMetrics | None:
    if record is None or record.value is None:
        return None
    try:
        return CustomerMetrics.from_json(record.value)
    except ValidationError:
        return None


def _values(found: Mapping[str, Figure] | None) -> str:
    if found is None:
        return "nothing"
    return ", ".join(f"{name} {figure.value}" for name, figure in found.items())
