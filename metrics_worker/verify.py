"""Whether the figures are what the events say, digit by digit."""

from collections.abc import Mapping
from dataclasses import dataclass, field

import sqlalchemy as sa
from sqlalchemy.exc import DBAPIError

from bus.calendars import Calendars
from bus.database import database_url
from bus.errors import Invalid
from bus.latest import latest_by_key, read_to_end
from bus.progress import database_error
from bus.record import Received
from bus.settings import Settings
from metrics_worker import calendar_store, compare, snapshot
from metrics_worker.columns import Columns
from metrics_worker.compare import Counted, Difference, FoundBy
from metrics_worker.contacts import ContactFacts, fold_contact
from metrics_worker.contribution import CELL, Marks
from metrics_worker.database import engine as engine_of
from metrics_worker.event import decode, decode_contact
from metrics_worker.facts import TicketFacts
from metrics_worker.fold import fold
from metrics_worker.recompute import recomputed
from metrics_worker.service import NAMES
from metrics_worker.snapshot import Document, Names

# of what nobody may find any more, too
_FOUND_BY = sa.text("""
    SELECT ticket_id, c.contact_id, c.account_id, c.owner_id, c.team_id,
           c.waiting_since, c.next_due, t.last_day, t.rated_day
    FROM metrics.ticket_facts AS t FULL JOIN metrics.clocks AS c USING (ticket_id)
    WHERE t.last_day IS NOT NULL OR t.rated_day IS NOT NULL OR c.ticket_id IS NOT NULL
""")


@dataclass(frozen=True, slots=True)
class _State:
    """What the database held at one moment."""

    offsets: Mapping[tuple[str, int], int]
    tickets: Mapping[str, TicketFacts]
    found_by: Mapping[str, FoundBy]
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
    found += compare.facts(folded.tickets, state.tickets)
    found += compare.contacts(folded.contacts, state.contacts)
    by_events = recomputed(folded.tickets, folded.contacts, state.calendars)
    found += compare.all_counters(by_events, state.counters, state.days, "events")
    by_facts = recomputed(state.tickets, state.contacts, state.calendars)
    found += compare.all_counters(by_facts, state.counters, state.days, "facts")
    found += compare.marks(by_facts, state.found_by)
    found += compare.totals(state.counters)
    found += compare.teams(state.counters)
    return found + compare.published(state.documents, await latest_by_key(settings.kafka, names.figures))


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
            found_by = {
                id_: FoundBy(contact, account, owner, team, Marks(*marks))
                for id_, contact, account, owner, team, *marks in await connection.execute(_FOUND_BY)
            }
            facts = await connection.scalars(sa.text("SELECT document FROM metrics.contacts"))
            contacts = {each.contact_id: each for each in map(ContactFacts.from_json, facts)}
            counters = {
                key: Columns(*columns).counters
                for key, *columns in await connection.execute(
                    sa.text("SELECT key, counts, durations FROM metrics.figures")
                )
            }
            by_day = await connection.execute(sa.text("SELECT key, day, counts, durations FROM metrics.days"))
            shown = await snapshot.read(connection, names, [key for key in counters if CELL not in key])
            return _State(
                offsets=offsets,
                tickets=tickets,
                found_by=found_by,
                contacts=contacts,
                counters=counters,
                days={f"{key} day {day}": Columns(*columns).counters for key, day, *columns in by_day},
                documents={document["key"]: document for document in shown},
                calendars=await calendar_store.read(connection, settings.desk.calendar),
            )
    except DBAPIError as error:
        raise database_error(error) from error
    finally:
        await engine.dispose()
