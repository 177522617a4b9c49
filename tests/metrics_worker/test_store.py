"""One batch, one transaction, on real PostgreSQL."""

import random
from collections.abc import Sequence
from datetime import datetime
from typing import Any

import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, given, settings

from bus.contact_event import ContactEvent
from bus.errors import Fenced, Invalid
from bus.ticket_event import TicketEvent
from metrics_worker.driver import fetched
from tests.conftest import Stack
from tests.metrics_worker.histories import Ticket, batches, contact_histories, histories, interleaved
from tests.metrics_worker.hours import CALENDARS, DESK
from tests.metrics_worker.oracle import count, count_by_day, unanswered_since
from tests.metrics_worker.stored import Fed, fed

pytestmark = pytest.mark.stack


async def revisions(store: Fed) -> dict[str, int]:
    async with store.engine.begin() as connection:
        return {row.key: row.revision for row in await connection.execute(sa.text("SELECT * FROM metrics.figures"))}


async def next_offset(store: Fed) -> int | None:
    async with store.engine.begin() as connection:
        found: int | None = await connection.scalar(
            sa.text("SELECT next_offset FROM metrics.progress WHERE topic = 'tickets.events'")
        )
        return found


async def test_durations_that_nothing_is_added_to_are_not_read(stack: Stack, monkeypatch: pytest.MonkeyPatch) -> None:
    read: list[tuple[str, bool]] = []

    async def recorded(*asked: Any) -> Sequence[tuple[Any, ...]]:  # noqa: ANN401  # as `fetched` has them
        rows = await fetched(*asked)
        read.extend((key, durations is not None) for key, _, _, durations in rows)
        return rows

    ticket = Ticket("t", 1, "anna", "acme").mail(0).answered(10, "sam", "r")
    async with fed(stack) as store:
        await store.feed(ticket.events)
        monkeypatch.setattr("metrics_worker.counters.fetched", recorded)
        known = len(ticket.events)
        await store.feed(ticket.message(20).events[known:])
        asked_again, read[:] = set(read), []
        known = len(ticket.events)
        await store.feed(ticket.answered(30, "sam", "s").events[known:])
    keys = {"account:acme", "contact:anna", "desk"}
    assert {key for key, _ in asked_again} >= keys
    assert not any(durations for _, durations in asked_again)
    assert {key for key, durations in read if durations} >= keys


async def test_every_interleaving_and_split_counts_the_same(stack: Stack) -> None:
    """What is loaded by SQL is what the pure rules need: histories one after the other in one database."""
    made: list[tuple[list[list[TicketEvent]], list[list[ContactEvent]]]] = []

    @settings(max_examples=64, derandomize=True, database=None, suppress_health_check=[HealthCheck.too_slow])
    @given(histories(), contact_histories())
    def collect(history: list[list[TicketEvent]], contacts: list[list[ContactEvent]]) -> None:
        made.append((history, contacts))

    collect()
    everything: list[TicketEvent] = []
    people: list[ContactEvent] = []
    async with fed(stack, CALENDARS) as store:
        for n, (history, contacts) in enumerate(made):
            rng = random.Random(n)
            renamed = [[_renamed(event, n) for event in events] for events in history]
            told = interleaved([[_renamed_contact(event, n) for event in events] for events in contacts], rng)
            people += told
            for batch in batches(interleaved(renamed, rng), rng):
                await store.feed(batch, [told.pop(0) for _ in range(min(len(told), rng.randint(0, 2)))])
            await store.feed(renamed[0][-1:], told)
            everything += [event for events in renamed for event in events]
            if n % 8 == 7:
                assert await store.counted() == count(everything, people, DESK)
                assert await store.counted_by_day() == count_by_day(everything, people, DESK)
                assert await store.oldest() == _oldest(everything, people)


def _renamed(event: TicketEvent, n: int) -> TicketEvent:
    data = event.data | ({"into": f"{n}.{event.data['into']}"} if "into" in event.data else {})
    whose = {"ticket_id": f"{n}.{event.ticket_id}", "contact_id": f"{n}.{event.contact_id}"}
    return event.model_copy(update=whose | {"data": data})


def _renamed_contact(event: ContactEvent, n: int) -> ContactEvent:
    data = event.data | ({"into": f"{n}.{event.data['into']}"} if "into" in event.data else {})
    return event.model_copy(update={"contact_id": f"{n}.{event.contact_id}", "data": data})


def _oldest(events: list[TicketEvent], people: list[ContactEvent]) -> dict[str, datetime]:
    """By hand: of all that are unanswered, the one that has waited longest, for whom it is counted."""
    found: dict[str, datetime] = {}
    for key, at in unanswered_since(events, people, DESK):
        found[key] = min(found.get(key, at), at)
    return found


async def test_repeated_batch_changes_nothing_and_touches_no_revision(stack: Stack) -> None:
    ticket = Ticket().mail(0).closed(4)
    async with fed(stack) as store:
        await store.feed(ticket.events)
        before = await store.counted(), await revisions(store)
        store.offset = 0
        await store.feed(ticket.events)
        assert (await store.counted(), await revisions(store)) == before


async def test_revision_rises_with_every_change_of_a_key_and_of_no_other(stack: Stack) -> None:
    async with fed(stack) as store:
        await store.feed([*Ticket("a", 1, "anna").mail(0).events, *Ticket("b", 2, "bob").mail(0).events])
        assert await revisions(store) == {"contact:anna": 1, "contact:bob": 1, "desk": 1}
        store.changed.clear()
        await store.feed(Ticket("c", 3, "bob").mail(0).events)
        assert await revisions(store) == {"contact:anna": 1, "contact:bob": 2, "desk": 2}
        assert store.changed == {"contact:bob", "desk"}


async def test_batch_with_a_gap_writes_nothing(stack: Stack) -> None:
    whole, torn = Ticket("a").mail(0), Ticket("b").mail(0)
    async with fed(stack) as store:
        with pytest.raises(Invalid):
            await store.feed([*whole.events, torn.events[1]])
        assert await store.counted() == {}
        assert await next_offset(store) is None


async def test_worker_that_was_replaced_writes_nothing(stack: Stack) -> None:
    async with fed(stack) as store:
        await store.feed(Ticket("a").mail(0).events)
        before = await store.counted(), await next_offset(store)
        await Fed(store.url, store.engine).claim()
        with pytest.raises(Fenced):
            await store.feed(Ticket("b").mail(0).events)
        assert (await store.counted(), await next_offset(store)) == before
