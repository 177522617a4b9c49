"""One batch, one transaction, on real PostgreSQL."""

import random

import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bus.errors import Fenced, Invalid
from bus.ticket_event import TicketEvent
from tests.conftest import Stack
from tests.metrics_worker.histories import Ticket, batches, histories, interleaved
from tests.metrics_worker.oracle import count
from tests.metrics_worker.stored import Fed, fed

pytestmark = pytest.mark.stack


async def revisions(store: Fed) -> dict[str, int]:
    async with store.engine.begin() as connection:
        return {row.key: row.revision for row in await connection.execute(sa.text("SELECT * FROM metrics.keys"))}


async def next_offset(store: Fed) -> int | None:
    async with store.engine.begin() as connection:
        found: int | None = await connection.scalar(sa.text("SELECT next_offset FROM metrics.progress"))
        return found


async def test_every_interleaving_and_split_counts_the_same(stack: Stack) -> None:
    """What is loaded by SQL is what the pure rules need: histories one after the other in one database."""
    made: list[list[list[TicketEvent]]] = []

    @settings(max_examples=80, derandomize=True, database=None, suppress_health_check=[HealthCheck.too_slow])
    @given(histories(), st.just(None))
    def collect(history: list[list[TicketEvent]], _: None) -> None:
        made.append(history)

    collect()
    everything: list[TicketEvent] = []
    async with fed(stack) as store:
        for n, history in enumerate(made):
            rng = random.Random(n)
            renamed = [[_renamed(event, n) for event in events] for events in history]
            for batch in batches(interleaved(renamed, rng), rng):
                await store.feed(batch)
            everything += [event for events in renamed for event in events]
            assert await store.counted() == count(everything)


def _renamed(event: TicketEvent, n: int) -> TicketEvent:
    data = event.data | ({"into": f"{n}.{event.data['into']}"} if "into" in event.data else {})
    return event.model_copy(update={"ticket_id": f"{n}.{event.ticket_id}", "data": data})


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
