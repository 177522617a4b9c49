"""Whatever the order in which partitions are read, and wherever batches are cut, the figures are the same."""

import random
from collections.abc import Sequence

from hypothesis import given, settings
from hypothesis import strategies as st

from bus.ticket_event import TicketEvent
from metrics_worker.contribution import contribution
from metrics_worker.fold import fold
from metrics_worker.groups import groups_of
from metrics_worker.recompute import counters_of
from tests.metrics_worker.histories import Ticket, as_read, batches, histories, interleaved
from tests.metrics_worker.in_memory import Memory
from tests.metrics_worker.oracle import count


@settings(max_examples=120, deadline=None)
@given(histories(), st.integers(0, 2**32))
def test_every_interleaving_and_split_counts_the_same(history: Sequence[Sequence[TicketEvent]], seed: int) -> None:
    rng = random.Random(seed)
    order = interleaved(history, rng)
    memory = Memory()
    read: list[TicketEvent] = []
    for batch in batches(order, rng):
        memory.settle(batch)
        read += batch
        assert memory.counted == count(read)  # at every moment, not only at the end
    assert memory.counted == count(order)


@settings(max_examples=60, deadline=None)
@given(histories(), st.integers(0, 2**32))
def test_counters_equal_their_recomputation(history: Sequence[Sequence[TicketEvent]], seed: int) -> None:
    rng = random.Random(seed)
    memory = Memory()
    for batch in batches(interleaved(history, rng), rng):
        memory.settle(batch)
    recomputed = counters_of({key: row.facts for key, row in memory.rows.items()})
    assert {key: n for key, n in memory.counters.items() if n} == recomputed


@settings(max_examples=60, deadline=None)
@given(histories())
def test_contributions_are_never_negative_and_total_is_open_and_closed(history: list[list[TicketEvent]]) -> None:
    tickets = {}
    for events in history:
        facts = None
        for event in as_read(events):
            facts = fold(facts, event)
        assert facts is not None
        tickets[facts.ticket_id] = facts
    for group in groups_of(tickets).values():
        added = contribution(group)
        assert all(n > 0 for n in added.values())
        for key in {metric.key for metric in added}:
            mine = {metric.figure: n for metric, n in added.items() if metric.key == key}
            assert mine["total"] == mine.get("open", 0) + mine.get("closed", 0) == 1
            assert sum(n for figure, n in mine.items() if figure.startswith("by_channel.")) == 1


def test_pointer_read_before_the_survivors_own_events() -> None:
    survivor, absorbed = Ticket("a", 1, "anna").mail(1), Ticket("b", 2, "bob").mail(2, "chat").merged(3, "a")
    memory = Memory()
    memory.settle(absorbed.events)
    assert memory.counted == {}
    memory.settle(survivor.events)
    assert memory.counted == count([*survivor.events, *absorbed.events])
    assert memory.counted["contact:anna", "messages_by_channel.chat"] == 1
    assert ("contact:bob", "total") not in memory.counted


def test_chain_of_merges_whose_middle_comes_last() -> None:
    first, middle = Ticket("a", 1).mail(1), Ticket("b", 2).mail(2).merged(5, "a")
    last = Ticket("c", 3).mail(3).merged(4, "b")
    memory = Memory()
    for ticket in (last, first, middle):
        memory.settle(ticket.events)
    assert memory.counted["desk", "total"] == 1
    assert memory.counted["desk", "messages_by_channel.email"] == 3


def test_unmerge_is_the_pointer_taken_away() -> None:
    survivor, absorbed = Ticket("a", 1).mail(1), Ticket("b", 2, "bob").mail(2)
    before = count([*survivor.events, *absorbed.events])
    memory = Memory()
    memory.settle([*survivor.events, *absorbed.merged(3, "a").events])
    assert memory.counted["desk", "total"] == 1
    memory.settle(absorbed.unmerged(4).events[-1:])
    assert memory.counted == before
