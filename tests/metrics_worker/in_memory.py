"""The store's rules about what is loaded and written, in memory: for properties that need thousands of batches."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any

from bus.calendars import ONLY_STANDARD, Calendars
from bus.contact_event import ContactEvent
from bus.ticket_event import TicketEvent
from metrics_worker.columns import apart
from metrics_worker.contacts import ContactFacts
from metrics_worker.contribution import CELL
from metrics_worker.event import time_of
from metrics_worker.facts import TicketFacts
from metrics_worker.figures import figures, summed
from metrics_worker.settling import Stored, StoredContact, contacts_involved, involved, settle
from tests.metrics_worker.histories import as_read, contacts_as_read
from tests.metrics_worker.oracle import Counted, Daily, Number


class Memory:
    """Facts and counters after the batches so far."""

    def __init__(self, calendars: Calendars = ONLY_STANDARD) -> None:
        self.calendars = calendars
        self.rows: dict[str, Stored] = {}
        self.people: dict[str, StoredContact] = {}
        self.counters: defaultdict[str, defaultdict[str, int]] = defaultdict(lambda: defaultdict(int))
        self.days: defaultdict[tuple[str, int], defaultdict[str, int]] = defaultdict(lambda: defaultdict(int))
        self.touched: set[str] = set()

    def settle(self, batch: Sequence[TicketEvent], contacts: Sequence[ContactEvent] = ()) -> None:
        events, changes = as_read(batch), contacts_as_read(contacts)
        ids = involved(events)
        roots = ids | {self.rows[each].root_id for each in ids if each in self.rows}
        loaded = {key: row for key, row in self.rows.items() if key in roots or row.root_id in roots}
        ids = contacts_involved(changes)
        roots = ids | {self.people[each].root_id for each in ids if each in self.people}
        people = {key: row for key, row in self.people.items() if row.root_id in roots}
        change = settle(loaded, events, people, changes, self.calendars)
        for row in change.tickets:
            document = TicketFacts.from_json(row.facts.to_json())
            assert document == row.facts
            self.rows[row.facts.ticket_id] = row._replace(facts=document)
        for person in change.contacts:
            known = ContactFacts.from_json(person.facts.to_json())
            self.people[person.facts.contact_id] = StoredContact(known, person.root_id)
        for key, delta in change.deltas.items():
            for counter, n in delta.items():
                self.counters[key][counter] += n
        for day, delta in change.days.items():
            for counter, n in delta.items():
                self.days[day][counter] += n
        self.touched = {*change.deltas, *change.touched}

    def document(self, key: str) -> Mapping[str, Mapping[str, Any]]:
        """The figures of a key as they are published."""
        group = [key]
        if key.startswith("contact:") and (mine := self.people.get(key.removeprefix("contact:"))):
            group = [f"contact:{id_}" for id_, row in self.people.items() if row.root_id == mine.root_id]
        return figures(*apart(summed(self.counters[each] for each in group if each in self.counters)))

    @property
    def keys(self) -> set[str]:
        return {key for key in {*self.counters, *(f"contact:{id_}" for id_ in self.people)} if CELL not in key}

    @property
    def counted(self) -> Counted:
        return {
            (key, name): number
            for key in self.keys
            for name, number in numbers(self.document(key)).items()
            if number.count
        }

    @property
    def counted_by_day(self) -> Daily:
        return {
            (key, time_of(day * 86_400_000_000).date().isoformat(), name): number
            for (key, day), counters in self.days.items()
            for name, number in numbers(figures(*apart(counters))).items()
            if number.count
        }


def numbers(shown: Mapping[str, Mapping[str, Any]]) -> dict[str, Number]:
    """Published figures in the oracle's form."""
    return {
        name: Number(figure["count"], figure["sum"], figure.get("median"), figure.get("p90"))
        for name, figure in shown.items()
    }
