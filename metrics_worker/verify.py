"""Whether the figures are what the events say, digit by digit."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

import sqlalchemy as sa
from pydantic import ValidationError
from sqlalchemy.exc import DBAPIError

from bus.calendars import Calendars
from bus.database import database_url
from bus.errors import Invalid
from bus.figures import CustomerMetrics, Figure
from bus.latest import latest_by_key, read_to_end
from bus.progress import database_error
from bus.record import Received
from bus.settings import Settings
from metrics_worker import calendar_store, snapshot
from metrics_worker.contacts import ContactFacts, fold_contact
from metrics_worker.contribution import CELL
from metrics_worker.database import engine as engine_of
from metrics_worker.event import decode, decode_contact
from metrics_worker.facts import TicketFacts
from metrics_worker.figures import encoded
from metrics_worker.fold import fold
from metrics_worker.publishing import DEFINITIONS_KEY, definitions
from metrics_worker.recompute import recomputed
from metrics_worker.service import NAMES
from metrics_worker.settling import Change
from metrics_worker.snapshot import Document, Names

Check = Literal["unread", "unreadable", "facts", "counters", "total", "team", "published"]
Counted = Mapping[str, Mapping[str, int]]
"""Key (of a day: key and day) → counter → n."""


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

    offsets: Mapping[tuple[str, int], int]
    tickets: Mapping[str, TicketFacts]
    contacts: Mapping[str, ContactFacts]
    counters: Counted
    days: Counted
    documents: Mapping[str, Document]
    calendars: Calendars


@dataclass(slots=True)
class _Folded:
    """What the topics say, as far as they were read."""

    calendars: Calendars
    tickets: dict[str, TicketFacts] = field(default_factory=dict)
    contacts: dict[str, ContactFacts] = field(default_factory=dict)

    def fold(self, record: Received, contacts_topic: str) -> Difference | None:
        try:
            if record.topic == contacts_topic:
                change = decode_contact(record)
                facts = fold_contact(self.contacts.get(change.contact_id), change, self.calendars)
                if facts is not None:
                    self.contacts[change.contact_id] = facts
            else:
                event = decode(record)
                self.tickets[event.ticket_id] = fold(self.tickets.get(event.ticket_id), event, self.calendars)
        except Invalid as error:
            return Difference("unreadable", "/".join(map(str, record.position)), "an event", str(error))
        return None


async def differences(settings: Settings, *, names: Names = NAMES) -> list[Difference]:
    """All differences; empty when every event is folded, every number is right and published. Raises Retryable.

    Events are folded as far as the database says it has read them, so that a running desk shows `unread` and perhaps
    `published` differences for a moment, and others never.
    """
    state = await _state(settings, names)
    found: list[Difference] = []
    folded = _Folded(state.calendars)
    unread: dict[str, int] = {}
    async for record in read_to_end(settings.kafka, [names.events, names.contacts]):
        if record.offset >= state.offsets.get(record.source, 0):
            where = f"{record.topic}/{record.partition}"
            unread[where] = unread.get(where, 0) + 1
        elif (problem := folded.fold(record, names.contacts)) is not None:
            found.append(problem)
    found += [Difference("unread", where, "0 records", f"{n} records") for where, n in sorted(unread.items())]
    found += compare_facts(folded.tickets, state.tickets)
    found += compare_contacts(folded.contacts, state.contacts)
    found += compare_all(
        recomputed(folded.tickets, folded.contacts, state.calendars), state.counters, state.days, "events"
    )
    found += compare_all(
        recomputed(state.tickets, state.contacts, state.calendars), state.counters, state.days, "facts"
    )
    found += totals(state.counters)
    found += teams(state.counters)
    return found + compare_published(state.documents, await latest_by_key(settings.kafka, names.figures))


async def _state(settings: Settings, names: Names) -> _State:
    engine = engine_of(database_url(settings))
    try:
        async with engine.connect() as plain:
            connection = await plain.execution_options(isolation_level="REPEATABLE READ")
            progress = await connection.execute(
                sa.text(
                    "SELECT topic, partition, next_offset FROM metrics.progress "
                    'WHERE "group" = :group AND next_offset IS NOT NULL'
                ),
                {"group": names.group},
            )
            offsets = {(row.topic, row.partition): row.next_offset for row in progress}
            facts = await connection.scalars(sa.text("SELECT document FROM metrics.ticket_facts"))
            tickets = {each.ticket_id: each for each in map(TicketFacts.from_json, facts)}
            facts = await connection.scalars(sa.text("SELECT document FROM metrics.contacts"))
            contacts = {each.contact_id: each for each in map(ContactFacts.from_json, facts)}
            counters = {
                key: json.loads(found)
                for key, found in await connection.execute(sa.text("SELECT key, counters FROM metrics.figures"))
            }
            by_day = await connection.execute(sa.text("SELECT key, day, counters FROM metrics.days"))
            shown = await snapshot.read(connection, names, [key for key in counters if CELL not in key])
            return _State(
                offsets=offsets,
                tickets=tickets,
                contacts=contacts,
                counters=counters,
                days={f"{key} day {day}": json.loads(found) for key, day, found in by_day},
                documents={document["key"]: document for document in shown},
                calendars=await calendar_store.read(connection, settings.desk.calendar),
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


def compare_contacts(expected: Mapping[str, ContactFacts], found: Mapping[str, ContactFacts]) -> list[Difference]:
    """The same for contacts; one of which nothing is known is as good as none."""
    found = {id_: facts for id_, facts in found.items() if facts.version}
    return [
        Difference(
            "facts",
            id_,
            expected[id_].to_json() if id_ in expected else "nothing",
            found[id_].to_json() if id_ in found else "nothing",
        )
        for id_ in sorted(expected.keys() | found.keys())
        if expected.get(id_) != found.get(id_)
    ]


def compare_all(expected: Change, counters: Counted, days: Counted, source: str) -> list[Difference]:
    """Counters, for always and by day, that are not what `source` (`events`, `facts`) adds up to."""
    by_day = {f"{key} day {day}": found for (key, day), found in expected.days.items()}
    return compare_counters(expected.deltas, counters, source) + compare_counters(by_day, days, source)


def compare_counters(expected: Counted, found: Counted, source: str) -> list[Difference]:
    """Numbers that are not what `source` adds up to."""
    return [
        Difference("counters", f"{key} {counter}", f"{wanted.get(counter, 0)} by {source}", str(is_.get(counter, 0)))
        for key in sorted(expected.keys() | found.keys())
        if (wanted := expected.get(key, {})) != (is_ := found.get(key, {}))
        for counter in sorted(wanted.keys() | is_.keys())
        if wanted.get(counter, 0) != is_.get(counter, 0)
    ]


def totals(counters: Counted) -> list[Difference]:
    """Keys whose total is not open + closed."""
    found: list[Difference] = []
    for key in sorted(counters):
        total, opened, closed = (counters[key].get(name, 0) for name in ("total", "open", "closed"))
        if total != opened + closed:
            found.append(Difference("total", key, f"{opened} open + {closed} closed", str(total)))
    return found


def teams(counters: Counted) -> list[Difference]:
    """Teams that are not the sum of their agents' tickets and those of nobody."""
    sums: dict[str, dict[str, int]] = {}
    for key, found in counters.items():
        team, cell, _ = key.partition(CELL)
        if cell:
            into = sums.setdefault(team, {})
            for counter, n in found.items():
                into[counter] = into.get(counter, 0) + n
    return [
        Difference("team", f"{team} {counter}", f"{total.get(counter, 0)} by its agents", str(mine.get(counter, 0)))
        for team in sorted({key for key in counters if key.startswith("team:") and CELL not in key} | sums.keys())
        for total, mine in ((sums.get(team, {}), counters.get(team, {})),)
        for counter in sorted(total.keys() | mine.keys())
        if total.get(counter, 0) != mine.get(counter, 0)
    ]


def compare_published(stored: Mapping[str, Document], published: Mapping[str, Received]) -> list[Difference]:
    """Keys whose latest document is not what is stored, but for how far the worker had read."""
    found: list[Difference] = []
    expected = {key: CustomerMetrics.from_json(encoded(document)) for key, document in stored.items()}
    if DEFINITIONS_KEY in published:
        expected[DEFINITIONS_KEY] = CustomerMetrics.from_json(encoded(definitions()))
    for key in sorted(expected.keys() | published.keys()):
        wanted, document = expected.get(key), _document(published.get(key))
        if document is None or wanted is None or _said(document) != _said(wanted):
            found.append(Difference("published", key, _values(wanted), _values(document)))
        elif document.revision != wanted.revision:
            found.append(Difference("published", key, f"revision {wanted.revision}", f"revision {document.revision}"))
    return found


def _said(document: CustomerMetrics) -> object:
    return document.key, document.figures, document.contacts, document.definitions


def _document(record: Received | None) -> CustomerMetrics | None:
    if record is None or record.value is None:
        return None
    try:
        return CustomerMetrics.from_json(record.value)
    except ValidationError:
        return None


def _values(document: CustomerMetrics | None) -> str:
    if document is None:
        return "nothing"
    return ", ".join(f"{name} {_shown_value(figure)}" for name, figure in document.figures.items())


def _shown_value(figure: Figure) -> str:
    return f"{figure.value}" if figure.count == figure.sum else f"{figure.sum}/{figure.count}"
