"""Whatever the order, with duplicates, split into batches at will: the same tickets, requesters and counts."""

import asyncio
import dataclasses
import itertools
import json
import random
import subprocess
import sys
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from pathlib import Path
from typing import Any, TypeAlias

import pytest

from bus.contact_event import ContactEvent
from bus.settings import AccountSettings
from bus.ticket_event import TicketEvent
from tests.metrics_worker.in_memory import Memory
from tests.ticketing.filing.conftest import Desk
from tests.ticketing.filing.memory import MemoryDesk, Outcome
from tests.ticketing.filing.said import START, said
from tests.ticketing.threading.conversations import FIRST_TICKET, POLICIES, conversation, decoded
from tests.ticketing.threading.reference import tickets_of
from ticketing.accounts import AccountRules
from ticketing.incoming import Incoming
from ticketing.policy import Policy

ROOT = Path(__file__).parents[3]
Figures: TypeAlias = Mapping[str, tuple[int, int]]
"""By person and `desk`: tickets, and messages of persons."""


def filed(batches: Sequence[Sequence[Incoming]], policy: Policy) -> Outcome:
    desk = MemoryDesk(START, policy)
    for batch in batches:
        desk.file(batch)
    versions: defaultdict[str, list[int]] = defaultdict(list)
    for ticket, version, _ in desk.events:
        versions[ticket].append(version)
    assert all(found == list(range(1, len(found) + 1)) for found in versions.values())
    assert len({event for _, _, event in desk.events}) == len(desk.events)
    return desk.outcome()


def split(rng: random.Random, messages: Sequence[Incoming]) -> list[list[Incoming]]:
    batches: list[list[Incoming]] = [[]]
    for message in messages:
        if rng.random() < 0.5:
            batches.append([])
        batches[-1].append(message)
    return batches


def expected(messages: Sequence[Incoming], policy: Policy) -> Outcome:
    return tickets_of(messages, {FIRST_TICKET: messages[0].id}, policy)


def every_order(seed: int, count: int) -> None:
    """Of one conversation: each permutation, in one batch, one by one, or as it falls.

    Where there are tokens the mail whose ticket they are for comes first.
    """
    rng = random.Random(seed)
    policy = POLICIES[seed % 2]
    tokens = seed % 3 == 0
    incoming = decoded(conversation(rng, count, tokens=tokens), policy)[:count]
    outcome = expected(incoming, policy)
    start = incoming[:1] if tokens else []
    for order in itertools.permutations(incoming[len(start) :]):
        batches = rng.choice([[list(order)], [[m] for m in order], split(rng, order)])
        assert filed([start, *batches], policy) == outcome, (seed, [m.id for m in order])


def some_orders(seed: int, orders: int) -> None:
    """Of one larger conversation, with everything that it says twice said again."""
    rng = random.Random(seed)
    policy = POLICIES[seed % 2]
    first, *others = incoming = decoded(conversation(rng, rng.randint(8, 60)), policy)
    outcome = expected(incoming, policy)
    for _ in range(orders):
        order = [*others, *rng.choices(incoming, k=len(incoming) // 5)]
        rng.shuffle(order)
        assert filed([[first], *split(rng, order)], policy) == outcome, (seed, [m.id for m in order])


@pytest.mark.parametrize("seed", range(30))
def test_every_order_of_a_small_conversation(seed: int) -> None:
    every_order(seed, 5)


@pytest.mark.parametrize("seed", range(60))
def test_some_orders_of_a_large_conversation(seed: int) -> None:
    some_orders(seed, 2)


@pytest.mark.long
@pytest.mark.parametrize("seed", range(1_000, 1_120))
def test_every_order_of_up_to_seven(seed: int) -> None:
    every_order(seed, 6 + (seed % 4 == 0))


@pytest.mark.long
@pytest.mark.parametrize("block", range(20))
def test_2000_large_conversations(block: int) -> None:
    for seed in range(10_000 + 100 * block, 10_100 + 100 * block):
        some_orders(seed, 3)


@pytest.mark.parametrize("together", [True, False])
def test_each_of_the_720_permutations(together: bool) -> None:  # a parameter of the test
    ann, bob, cid = "ann@x.example", "bob@x.example", "cid@y.example"
    policy = Policy()
    incoming = decoded(
        [
            said("a", ann, at=0),
            said("b", bob, "a", "u", at=1),
            said("c", cid, "a", at=2),
            said("d", ann, "u", at=3, to=[bob]),
            said("e", cid, "c", kind="bounce", at=4),
            said("f", bob, "e", at=1, dmarc="fail"),
        ],
        policy,
    )
    outcome = expected(incoming, policy)
    assert len(outcome) == 2
    for order in itertools.permutations(incoming):
        batches = [order[:3], order[3:]] if together else [[message] for message in order]
        assert filed(batches, policy) == outcome


def test_an_id_that_many_strangers_use_joins_each_to_its_own_alone() -> None:
    policy = Policy()
    people = [f"p{n}@x.example" for n in range(6)]
    shared = [said(f"same/{n}", person, at=n) for n, person in enumerate(people)]
    replies = [said(f"r{n}", person, "same", at=10 + n) for n, person in enumerate(people)]
    outcome = filed(
        [[m] for m in decoded([*shared, *replies, said("stranger", "eve@y.example", "same")], policy)], policy
    )
    assert {ticket[0] for ticket in outcome} == {
        *(frozenset({f"id-same/{n}", f"id-r{n}"}) for n in range(6)),
        frozenset({"id-stranger"}),
    }


@pytest.mark.stack
async def test_the_database_answers_by_definition_too(desk: Desk) -> None:
    for seed in range(20):
        rng = random.Random(seed)
        policy = POLICIES[seed % 2]
        await desk.empty()
        ids = itertools.count(1)
        # ids are counted up: the first contact, then its ticket; so no account in between
        rules = AccountRules(AccountSettings(by_domain=False))
        desk.filing = dataclasses.replace(
            desk.filing,
            policy=policy,
            rules=rules,
            mint=lambda ids=ids: f"{next(ids):032x}",  # type: ignore[misc]
        )
        messages = conversation(rng, 10)
        first, *others = messages
        others += rng.choices(others, k=2)
        rng.shuffle(others)
        await desk.file(first)
        while others:
            count = rng.randint(1, 4)
            await desk.file(*others[:count])
            others = others[count:]
        assert await desk.outcome() == expected(decoded(messages, policy), policy), seed


async def through(desk: Desk, folder: Path, seeds: Sequence[int], processes: int) -> Figures:
    """Many conversations at once, spread over the partitions of so many filing processes; what is counted of them."""
    rng = random.Random(seeds[0])
    policy = POLICIES[0]
    await desk.empty()
    said_ = [conversation(random.Random(seed), 12, space=f"c{seed}-", tokens=False) for seed in seeds]
    everything = [message for messages in said_ for message in messages]
    everything += rng.choices(everything, k=len(everything) // 10)
    rng.shuffle(everything)
    (folder / "messages.json").write_text(json.dumps([m.to_json().decode() for m in everything]))
    command = [sys.executable, "-m", "tests.ticketing.threading.one_filer", desk.url, str(folder / "messages.json")]
    running = [
        await asyncio.create_subprocess_exec(*command, str(processes), str(n), cwd=ROOT, stderr=subprocess.PIPE)
        for n in range(processes)
    ]
    for each in running:
        _, errors = await each.communicate()
        assert each.returncode == 0, errors[-2_000:]
    parsed = [decoded(messages, policy) for messages in said_]
    outcome = frozenset().union(*(tickets_of(messages, {}, policy) for messages in parsed))
    assert await desk.outcome() == outcome
    humans = {m.id.partition("~")[0] for messages in parsed for m in messages if m.automation == "human"}
    figures = await counted(desk)
    assert figures == expected_figures(outcome, humans)
    assert await desk.rows("SELECT 1 FROM desk.participants") == []  # beside the requesters, nobody
    return figures


def expected_figures(outcome: Outcome, humans: AbstractSet[str]) -> Figures:
    """By requester, and of the desk: how many tickets, and how many messages of persons."""
    found: defaultdict[str, Counter[str]] = defaultdict(Counter)
    for members, requester, *_ in outcome:
        for key in (requester, "desk"):
            found[key] += Counter(total=1, messages=len(members & humans))
    return {key: (figures["total"], figures["messages"]) for key, figures in found.items()}


async def counted(desk: Desk) -> Figures:
    """The same as the figures' worker makes them of the events."""
    memory = Memory()
    events = [
        TicketEvent.from_json(document)
        for (document,) in await desk.rows("SELECT document FROM desk.ticket_events ORDER BY id")
    ]
    contacts = [
        ContactEvent.from_json(document)
        for (document,) in await desk.rows("SELECT document FROM desk.contact_events ORDER BY id")
    ]
    memory.settle(events, contacts)
    people = {
        f"contact:{id_}": value for id_, value in await desk.rows("SELECT contact_id, value FROM desk.identities")
    }
    documents = {
        people.get(key, key): memory.document(key) for key in memory.counters if key == "desk" or key in people
    }
    return {
        key: (_value(found, "total"), _value(found, "messages_by_channel.email"))
        for key, found in documents.items()
        if _value(found, "total")
    }


def _value(document: Mapping[str, Mapping[str, Any]], figure: str) -> int:
    return int(document[figure]["value"]) if figure in document else 0


@pytest.mark.stack
async def test_several_processes_file_many_conversations(desk: Desk, tmp_path: Path) -> None:
    await through(desk, tmp_path, range(500, 512), 2)


@pytest.mark.stack
@pytest.mark.long
@pytest.mark.parametrize("block", range(20))
async def test_200_conversations_through_one_to_four_processes(desk: Desk, tmp_path: Path, block: int) -> None:
    seeds = range(20_000 + 10 * block, 20_010 + 10 * block)
    seen = [await through(desk, tmp_path, seeds, processes) for processes in (1, 2, 3, 4)]
    assert all(figures == seen[0] for figures in seen)
