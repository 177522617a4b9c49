"""Some partitions into facts and contributions, one after the other; each is written while the next one is read."""

import asyncio
import gc
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import NamedTuple

from bus.calendars import Calendars
from bus.errors import Invalid
from bus.failpoints import failpoint
from bus.record import Partition, Received
from metrics_worker.contacts import ContactFacts, fold_contact, roots_of
from metrics_worker.contribution import Marks, contribution
from metrics_worker.event import decode, decode_contact
from metrics_worker.facts import TicketFacts
from metrics_worker.fold import fold
from metrics_worker.groups import MergeGroup
from metrics_worker.reading_ranges import Ranges
from metrics_worker.rebuild.shadow import Shadow
from metrics_worker.rebuild.tally import Sums, Tally

_HELD = 100_000
"""Sums of contacts and accounts, and of days of these: they are too many to be held all."""
_RARELY = 200_000
_A_WHILE = 1_000
"""So many tickets are counted in a row; then the database and Kafka are heard again."""


class Folded(NamedTuple):
    """What came out beside the tickets, contacts and parts in the shadow tables.

    `pointers`: merged ticket → where to, of tickets that were not counted. `newest`: when the desk recorded the newest
    event.
    """

    tickets: int
    newest: datetime
    pointers: Mapping[str, str]
    sums: Sums


class Folding:
    """One pass over some partitions. All that contacts.events has belongs to one of them."""

    def __init__(
        self, shadow: Shadow, ranges: Ranges, contacts_topic: str, calendars: Calendars, report: Callable[[int], None]
    ) -> None:
        self._shadow = shadow
        self._ranges = ranges
        self._contacts_topic = contacts_topic
        self._calendars = calendars
        self._report = report
        self._people: dict[str, ContactFacts] = {}
        self._writing: asyncio.Task[None] | None = None
        self._tally = Tally()
        self._pointers: dict[str, str] = {}
        self._tickets = 0
        self._newest = datetime.fromtimestamp(0, UTC)

    async def run(self, ends: Mapping[Partition, int]) -> Folded:
        """Fold all before `ends`."""
        tickets: dict[str, TicketFacts] = {}
        of: Partition | None = None
        often = gc.get_threshold()
        gc.set_threshold(_RARELY)  # facts are many, and none of them points back
        try:
            async for batch in self._ranges.read({}, ends):
                if batch[0].source != of:  # a ticket's events are all in one partition
                    await self._begin_writing(tickets)
                    tickets, of = {}, batch[0].source
                if of.topic == self._contacts_topic:
                    self._fold_contacts(batch)
                else:
                    self._fold_tickets(batch, tickets)
                self._report(len(batch))
                failpoint("figures.folding")
            await self._begin_writing(tickets)
            await self._written()
        finally:
            gc.set_threshold(*often)
            if self._writing is not None:
                self._writing.cancel()
        await self._write_people()
        await self._shadow.add_parts(self._tally.take())
        return Folded(self._tickets, self._newest, self._pointers, self._tally.sums())

    def _fold_tickets(self, batch: Sequence[Received], tickets: dict[str, TicketFacts]) -> None:
        calendars, newest = self._calendars, self._newest
        for record in batch:
            try:
                event = decode(record)
                tickets[event.ticket_id] = fold(tickets.get(event.ticket_id), event, calendars)
            except Invalid:  # the worker has parked it
                continue
            newest = max(newest, event.recorded_at)
        self._newest = newest

    def _fold_contacts(self, batch: Sequence[Received]) -> None:
        for record in batch:
            try:
                change = decode_contact(record)
                facts = fold_contact(self._people.get(change.contact_id), change, self._calendars)
            except Invalid:  # as above
                continue
            if facts is not None:
                self._people[change.contact_id] = facts
            self._newest = max(self._newest, change.recorded_at)

    async def _begin_writing(self, tickets: dict[str, TicketFacts]) -> None:
        await self._written()
        if tickets:
            self._tickets += len(tickets)
            self._writing = asyncio.create_task(self._write(tickets), name="writing facts")

    async def _written(self) -> None:
        writing, self._writing = self._writing, None
        if writing is not None:
            await writing

    async def _write(self, tickets: dict[str, TicketFacts]) -> None:
        while tickets:  # what is written makes room for what is read meanwhile
            some = [tickets.popitem()[1] for _ in range(min(_A_WHILE, len(tickets)))]
            await self._shadow.add_tickets([(facts, self._counted(facts)) for facts in some])
        if self._tally.held > _HELD:
            await self._shadow.add_parts(self._tally.take())

    def _counted(self, facts: TicketFacts) -> Marks:
        """Count a ticket that stands for itself, as far as is known."""
        if facts.merged_into is not None:
            self._pointers[facts.ticket_id] = facts.merged_into
            return Marks()
        adding = contribution(MergeGroup(facts.ticket_id, facts), self._calendars)
        self._tally.count(adding)
        return adding.marks

    async def _write_people(self) -> None:
        roots = roots_of(self._people)
        known = {id_: self._people.get(id_, ContactFacts(id_, 0)) for id_ in roots}
        await self._shadow.add_contacts(known, roots)
        for person in self._people.values():
            self._tally.count_feedback(person)
