"""Whatever the order in which partitions are read, and wherever batches are cut, the figures are the same.

The oracle counts by hand, from the definitions; both agree on every figure, at every moment.
"""

import random
from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bus.contact_event import ContactEvent
from bus.ticket_event import TicketEvent
from metrics_worker.columns import apart
from metrics_worker.contribution import CELL, contribution
from metrics_worker.figures import figures
from metrics_worker.groups import groups_of
from metrics_worker.recompute import recomputed
from metrics_worker.why import shares
from tests.metrics_worker.histories import Contact, Ticket, batches, contact_histories, histories, interleaved
from tests.metrics_worker.hours import CALENDARS, DESK
from tests.metrics_worker.in_memory import Memory
from tests.metrics_worker.oracle import Number, count, count_by_day

_QUIET = {"deadline": None, "suppress_health_check": [HealthCheck.too_slow, HealthCheck.data_too_large]}


def _every_interleaving(
    history: Sequence[Sequence[TicketEvent]], contacts: Sequence[Sequence[ContactEvent]], seed: int
) -> None:
    rng = random.Random(seed)
    order, people = interleaved(history, rng), interleaved(contacts, rng)
    memory = Memory(CALENDARS)
    read: list[TicketEvent] = []
    told: list[ContactEvent] = []
    for batch in batches(order, rng):
        some = [people.pop(0) for _ in range(min(len(people), rng.randint(0, 2)))]
        memory.settle(batch, some)
        read += batch
        told += some
        assert memory.counted == count(read, told, DESK)  # at every moment, not only at the end
    memory.settle([], people)
    assert memory.counted == count(order, [*told, *people], DESK)
    assert memory.counted_by_day == count_by_day(order, [*told, *people], DESK)


@settings(max_examples=80, **_QUIET)  # type: ignore[arg-type]  # as hypothesis takes them
@given(histories(), contact_histories(), st.integers(0, 2**32))
def test_every_interleaving_and_split_counts_the_same(
    history: Sequence[Sequence[TicketEvent]], contacts: Sequence[Sequence[ContactEvent]], seed: int
) -> None:
    _every_interleaving(history, contacts, seed)


@pytest.mark.long
@settings(max_examples=6_000, **_QUIET)  # type: ignore[arg-type]  # as above
@given(histories(tickets=8, length=30), contact_histories(length=12), st.integers(0, 2**32))
def test_long_histories_count_the_same(
    history: Sequence[Sequence[TicketEvent]], contacts: Sequence[Sequence[ContactEvent]], seed: int
) -> None:
    _every_interleaving(history, contacts, seed)


@settings(max_examples=40, **_QUIET)  # type: ignore[arg-type]  # as above
@given(histories(), contact_histories(), st.integers(0, 2**32))
def test_counters_equal_their_recomputation(
    history: Sequence[Sequence[TicketEvent]], contacts: Sequence[Sequence[ContactEvent]], seed: int
) -> None:
    rng = random.Random(seed)
    memory = Memory(CALENDARS)
    for batch in batches(interleaved(history, rng), rng):
        memory.settle(batch)
    memory.settle([], interleaved(contacts, rng))
    tickets = {key: row.facts for key, row in memory.rows.items()}
    again = recomputed(tickets, {key: row.facts for key, row in memory.people.items()}, CALENDARS)
    assert _without_zeros(memory.counters) == again.deltas
    assert _without_zeros(memory.days) == again.days
    for key, row in memory.rows.items():
        root = groups_of(tickets).get(key)
        if root is not None:
            assert row[2:] == contribution(root, CALENDARS)[1:]


def _without_zeros(table: Mapping[Any, Mapping[str, int]]) -> Mapping[Any, Mapping[str, int]]:
    found = {key: {counter: n for counter, n in counters.items() if n} for key, counters in table.items()}
    return {key: counters for key, counters in found.items() if counters}


@settings(max_examples=40, **_QUIET)  # type: ignore[arg-type]  # as above
@given(histories(), st.integers(0, 2**32))
def test_every_sum_adds_up_at_every_moment(history: list[list[TicketEvent]], seed: int) -> None:
    """total = open + closed; slices are 100 %; days, agents and nobody's, contacts add up; `why` adds up to all."""
    memory, rng = Memory(CALENDARS), random.Random(seed)
    for events in batches(interleaved(history, rng), rng):
        memory.settle(events)
        _assert_additive(memory)


def _assert_additive(memory: Memory) -> None:  # noqa: C901  # one sum after the other
    by_day: defaultdict[str, defaultdict[str, int]] = defaultdict(lambda: defaultdict(int))
    by_agent: defaultdict[str, defaultdict[str, int]] = defaultdict(lambda: defaultdict(int))
    by_contact: defaultdict[str, defaultdict[str, int]] = defaultdict(lambda: defaultdict(int))
    for (key, _), counters in memory.days.items():
        _into(by_day[key], counters)
    for key, counters in memory.counters.items():
        if CELL in key:
            _into(by_agent[key.partition(CELL)[0]], counters)
    groups = list(groups_of({key: row.facts for key, row in memory.rows.items()}).values())
    for group in groups:
        if group.root is not None and group.root.account_id is not None and group.root.contact_id is not None:
            account, contact = f"account:{group.root.account_id}", f"contact:{group.root.contact_id}"
            total = contribution(group, CALENDARS).total
            _into(by_contact[account], {counter: n for (key, counter), n in total.items() if key == contact})
    for key, counters in memory.counters.items():
        mine = {counter: n for counter, n in counters.items() if n}
        assert all(n > 0 for n in mine.values())
        if CELL in key:
            continue
        assert mine.get("total", 0) == mine.get("open", 0) + mine.get("closed", 0)
        shown = figures(*apart(mine))
        for family in ("by_channel.", "messages_by_channel."):
            slices = [figure["percent"] for name, figure in shown.items() if name.startswith(family)]
            assert sum(slices) in ((100,) if slices else (0,))
        assert sum(n for name, n in mine.items() if name.startswith("by_channel.")) == mine.get("total", 0)
        if not key.startswith("contact:"):
            assert {counter: n for counter, n in by_day[key].items() if n} == mine
        if key.startswith("team:"):
            assert {counter: n for counter, n in by_agent[key].items() if n} == mine
        if key.startswith("account:"):
            assert {counter: n for counter, n in by_contact[key].items() if n} == mine
        for name, figure in shown.items():
            found = [share for group in groups for share in shares(group, frozenset([key]), name, CALENDARS)]
            assert sum(share.n for share in found) == figure["count"], name
            assert sum(share.sum for share in found) == figure["sum"], name


def _into(sums: defaultdict[str, int], counters: dict[str, int]) -> None:
    for counter, n in counters.items():
        sums[counter] += n


def test_pointer_read_before_the_survivors_own_events() -> None:
    survivor, absorbed = Ticket("a", 1, "anna").mail(1), Ticket("b", 2, "bob").mail(2, "chat").merged(3, "a")
    memory = Memory()
    memory.settle(absorbed.events)
    assert memory.counted == {}
    memory.settle(survivor.events)
    assert memory.counted == count([*survivor.events, *absorbed.events])
    assert memory.counted["contact:anna", "messages_by_channel.chat"] == Number(1, 1)
    assert ("contact:bob", "total") not in memory.counted


def test_chain_of_merges_whose_middle_comes_last() -> None:
    first, middle = Ticket("a", 1).mail(1), Ticket("b", 2).mail(2).merged(5, "a")
    last = Ticket("c", 3).mail(3).merged(4, "b")
    memory = Memory()
    for ticket in (last, first, middle):
        memory.settle(ticket.events)
    assert memory.counted["desk", "total"].count == 1
    assert memory.counted["desk", "messages_by_channel.email"].count == 3


def test_unmerge_is_the_pointer_taken_away() -> None:
    survivor, absorbed = Ticket("a", 1).mail(1).answered(8), Ticket("b", 2, "bob").mail(2)
    before = count([*survivor.events, *absorbed.events])
    memory = Memory()
    memory.settle([*survivor.events, *absorbed.merged(3, "a").events])
    assert memory.counted["desk", "total"].count == 1
    memory.settle(absorbed.unmerged(4).events[-1:])
    assert memory.counted == before


def test_merged_contacts_show_the_sum_of_their_group_until_they_come_apart() -> None:
    memory = Memory()
    memory.settle([*Ticket("a", 1, "anna").mail(0).events, *Ticket("b", 2, "bob").mail(0).events])
    bob = Contact("bob").add("contact.created").add("contact.merged", 5, into="anna")
    memory.settle([], bob.events)
    assert memory.touched == {"contact:anna", "contact:bob"}
    for name in ("anna", "bob"):
        assert memory.counted[f"contact:{name}", "total"].count == 2
    memory.settle([], bob.add("contact.unmerged", 6).events[-1:])
    assert memory.touched == {"contact:anna", "contact:bob"}
    assert memory.counted["contact:bob", "total"].count == 1
