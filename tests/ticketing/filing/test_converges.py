"""Whatever the order, with duplicates, split into batches at will: the same tickets, requesters and counts."""

import dataclasses
import itertools
import random
from collections import defaultdict
from collections.abc import Sequence

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bus.message import Attachment, AutomationKind, NormalizedMessage
from tests.ticketing.filing.conftest import Desk
from tests.ticketing.filing.memory import MemoryDesk, Outcome, by_definition
from tests.ticketing.filing.said import START, TOKENS, record, said
from ticketing.decode import decode
from ticketing.incoming import Incoming

PEOPLE = ("ann@x.example", "bob@x.example", "cid@y.example")
KINDS: tuple[AutomationKind, ...] = ("human", "human", "human", "list", "bounce", "auto_reply")
FIRST_TICKET = f"{2:032x}"
"""Ids are counted up: the first contact, then its ticket."""


@st.composite
def conversations(draw: st.DrawFn, most: int = 6) -> list[NormalizedMessage]:
    """Mails that name each other, ids nobody has, ids two of them have, tokens of the first one's ticket."""
    count = draw(st.integers(2, most))
    names = [f"m{at}" for at in range(count)]
    own = [draw(st.sampled_from(names[: at + 1])) for at in range(count)] if draw(st.booleans()) else names
    found = []
    for at in range(count):
        author = draw(st.sampled_from(PEOPLE))
        token = at > 0 and draw(st.integers(0, 9)) == 0
        message = said(
            f"{own[at]}/{at}",
            author,
            *draw(st.lists(st.sampled_from([*names, "u0", "u1"]), max_size=3, unique=True)),
            at=draw(st.integers(0, 3)),
            to=draw(st.lists(st.sampled_from(PEOPLE), max_size=2, unique=True)),
            kind="human" if at == 0 else draw(st.sampled_from(KINDS)),
            dmarc=draw(st.sampled_from(["none", "pass", "fail"])),
            token=TOKENS.sign(FIRST_TICKET, author) if token else None,
            raw=at,
        )
        files = [Attachment(name="f", media_type="text/plain", size=1, sha256="00")] * draw(st.integers(0, 2))
        found.append(message.model_copy(update={"attachments": files}))
    return found


def decoded(messages: Sequence[NormalizedMessage]) -> list[Incoming]:
    found = [decode(record(message), TOKENS, max_references=100) for message in messages]
    assert all(isinstance(message, Incoming) for message in found)
    return [message for message in found if isinstance(message, Incoming)]


def filed(batches: Sequence[Sequence[Incoming]]) -> MemoryDesk:
    desk = MemoryDesk(START)
    for batch in batches:
        desk.file(batch)
    versions: defaultdict[str, list[int]] = defaultdict(list)
    for ticket, version, _ in desk.events:
        versions[ticket].append(version)
    assert all(found == list(range(1, len(found) + 1)) for found in versions.values())
    assert len({event for _, _, event in desk.events}) == len(desk.events)
    return desk


def split(rng: random.Random, messages: Sequence[Incoming]) -> list[list[Incoming]]:
    batches: list[list[Incoming]] = [[]]
    for message in messages:
        if rng.random() < 0.5:
            batches.append([])
        batches[-1].append(message)
    return batches


def expected(messages: Sequence[Incoming]) -> Outcome:
    return by_definition(messages, {FIRST_TICKET: messages[0].id})


@settings(max_examples=600, deadline=None)
@given(conversations(), st.randoms(use_true_random=False))
def test_every_order_gives_what_the_definition_says(messages: list[NormalizedMessage], rng: random.Random) -> None:
    first, *others = incoming = decoded(messages)
    others += rng.choices(others, k=2)  # duplicates
    rng.shuffle(others)
    assert filed([[first], *split(rng, others)]).outcome() == expected(incoming)


@settings(max_examples=60, deadline=None)
@given(conversations(most=40), st.randoms(use_true_random=False))
def test_large_conversations_too(messages: list[NormalizedMessage], rng: random.Random) -> None:
    first, *others = incoming = decoded(messages)
    rng.shuffle(others)
    assert filed([[first], *split(rng, others)]).outcome() == expected(incoming)


@pytest.mark.parametrize("together", [True, False])
def test_each_of_the_720_permutations(together: bool) -> None:  # a parameter of the test
    incoming = decoded(
        [
            said("a", PEOPLE[0], at=0),
            said("b", PEOPLE[1], "a", "u", at=1),
            said("c", PEOPLE[2], "a", at=2),
            said("d", PEOPLE[0], "u", at=3, to=[PEOPLE[1]]),
            said("e", PEOPLE[2], "c", kind="bounce", at=4),
            said("f", PEOPLE[1], "e", at=1, dmarc="fail"),
        ]
    )
    outcome = expected(incoming)
    assert len(outcome) == 2
    for order in itertools.permutations(incoming):
        batches = [order[:3], order[3:]] if together else [[message] for message in order]
        assert filed(batches).outcome() == outcome


@pytest.mark.stack
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(messages=conversations(most=8), rng=st.randoms(use_true_random=False))
async def test_the_database_answers_by_definition_too(
    desk: Desk, messages: list[NormalizedMessage], rng: random.Random
) -> None:
    await desk.empty()
    ids = itertools.count(1)
    desk.filing = dataclasses.replace(desk.filing, mint=lambda: f"{next(ids):032x}")
    first, *others = messages
    others += rng.choices(others, k=2)
    rng.shuffle(others)
    await desk.file(first)
    while others:
        count = rng.randint(1, 4)
        await desk.file(*others[:count])
        others = others[count:]
    assert await desk.outcome() == expected(decoded(messages))
