"""The worker on real Kafka and PostgreSQL: order of partitions, crashes, freezes, take-over."""

import asyncio
import os
import random
import signal
import time
from collections.abc import AsyncIterator
from datetime import UTC, datetime

import pytest
import pytest_asyncio
import sqlalchemy as sa
from sqlalchemy.ext.asyncio import create_async_engine

from bus.figures import CustomerMetrics
from bus.latest import latest_by_key
from bus.record import Outgoing
from bus.ticket_event import TicketEvent
from bus.transactions import KafkaTransactions
from metrics_worker.behind import behind
from metrics_worker.definitions import texts
from metrics_worker.tables import LEADER_LOCK
from tests.conftest import Stack
from tests.metrics_worker.histories import Contact, Ticket, interleaved
from tests.metrics_worker.in_memory import numbers
from tests.metrics_worker.oracle import Counted, count
from tests.metrics_worker.workers import Figures, state_of

pytestmark = pytest.mark.stack


@pytest_asyncio.fixture
async def desk(stack: Stack) -> AsyncIterator[Figures]:
    made = await Figures.make(stack)
    yield made
    await made.close()


def tickets(begin: int, n: int) -> list[Ticket]:
    """Some of everything: two contacts of their own, closes, machines, every fifth merged into the one before it."""
    made: list[Ticket] = []
    for at in range(begin, begin + n):
        ticket = Ticket(f"t{at:05}", at, f"{('anna', 'bob')[at % 2]}{begin}").mail(at, ("email", "chat")[at % 3 == 0])
        ticket.message(at + 1).message(at + 2, automation="out_of_office")
        if at % 4 == 0:
            ticket.answered(at + 2).closed(at + 3).rated(at + 4, "good", agent="sam")
        if at % 5 == 4:
            ticket.merged(at + 5, made[-1].id if made else f"t{at - 1:05}")
        made.append(ticket)
    return made


def events_of(made: list[Ticket], seed: int = 0) -> list[TicketEvent]:
    return interleaved([ticket.events for ticket in made], random.Random(seed))


async def published(desk: Figures) -> Counted:
    """What a subscriber knows who keeps the latest document of every key."""
    found: Counted = {}
    for key, record in (await latest_by_key(desk.settings.kafka, desk.names.figures)).items():
        assert record.value is not None
        document = CustomerMetrics.from_json(record.value)
        assert document.key == key
        shown = {name: figure.model_dump() for name, figure in document.figures.items()}
        found |= {(key, name): number for name, number in numbers(shown).items() if number.count}
    return found


async def test_figures_are_published_as_counted_by_hand(desk: Figures) -> None:
    events = events_of(tickets(0, 60))
    await desk.publish(events)
    people = Contact("bob0").add("contact.created").add("contact.merged", 5, into="anna0")
    people.add("contact.feedback_received", 6, message_id="m", channel="web_form")
    await desk.publish_contacts(people.events)
    desk.start()
    assert await desk.settled() == []
    assert await published(desk) == count(events, people.events)
    known = (await latest_by_key(desk.settings.kafka, desk.names.figures))["definitions"].value
    assert known is not None
    assert CustomerMetrics.from_json(known).definitions == texts()


async def test_partitions_read_in_any_order(desk: Figures) -> None:
    """Each partition appears only when all of the one before is settled; pointers go both ways between them."""
    made = tickets(0, 40)
    desk.start()
    written: list[TicketEvent] = []
    for partition in (3, 1, 0, 2):
        part = [event for ticket in made if ticket.number % 4 == partition for event in ticket.events]
        await desk.publish(part, partition=partition)
        written += part
        assert await desk.settled() == []
        assert await published(desk) == count(written)


@pytest.mark.parametrize("hit", [1, 3])
@pytest.mark.parametrize("point", ["figures.before_commit", "figures.after_commit", "figures.after_publish"])
async def test_crash_changes_no_digit(desk: Figures, point: str, hit: int) -> None:
    dying = desk.start(f"{point}=kill@{hit}")
    written: list[TicketEvent] = []
    for part in range(150):
        events = events_of(tickets(part * 10, 10), part)
        await desk.publish(events)
        written += events
        await asyncio.sleep(0.2)
        if dying.poll() is not None:
            break
    assert dying.poll() == -signal.SIGKILL
    desk.start()
    assert await desk.settled() == []
    assert await published(desk) == count(written)


@pytest.mark.parametrize("point", ["figures.before_commit", "figures.after_commit", "figures.after_publish"])
async def test_frozen_worker_is_replaced_and_harmless_when_it_wakes(desk: Figures, point: str) -> None:
    frozen = desk.start(f"{point}=stop@2")
    written: list[TicketEvent] = []
    part = 0

    async def more() -> None:
        nonlocal part
        events = events_of(tickets(part * 10, 10), part)
        await desk.publish(events)
        written.extend(events)
        part += 1

    for _ in range(150):
        await more()
        await asyncio.sleep(0.2)
        if state_of(frozen) == "T":
            break
    desk.start()
    await more()
    assert await desk.settled() == []
    assert await published(desk) == count(written)
    os.kill(frozen.pid, signal.SIGCONT)
    await asyncio.sleep(2)  # long enough to do what it was about to do
    assert frozen.poll() is None
    assert await desk.differences() == []
    await more()
    assert await desk.settled() == []
    assert await published(desk) == count(written)
    assert await leaders(desk) == 1


@pytest.mark.parametrize(
    "wrong",
    [
        "UPDATE metrics.clocks SET next_due = 1",
        "UPDATE metrics.clocks SET owner_id = 'eve'",
        "INSERT INTO metrics.clocks (ticket_id, next_due) VALUES ('nobody', 1)",
        "UPDATE metrics.ticket_facts SET last_day = last_day + 1",
    ],
)
async def test_verify_names_a_ticket_that_is_found_by_something_else_than_its_facts(desk: Figures, wrong: str) -> None:
    desk.start()
    await desk.publish(Ticket("waits", 1).mail(0).events)
    assert await desk.settled() == []
    engine = create_async_engine(desk.url)
    async with engine.begin() as connection:
        await connection.execute(sa.text(wrong))
    await engine.dispose()
    assert [each.check for each in await desk.differences()] == ["marks"]


async def test_second_worker_stands_by_and_takes_over(desk: Figures) -> None:
    first = desk.start()
    events = events_of(tickets(0, 20))
    await desk.publish(events)
    assert await desk.settled() == []
    second = desk.start()
    await asyncio.sleep(2)
    assert first.poll() is second.poll() is None
    assert await leaders(desk) == 1
    first.kill()
    began = time.monotonic()
    later = events_of(tickets(20, 20))
    await desk.publish(later)
    assert await desk.settled(20) == []
    assert time.monotonic() - began < 20
    assert await published(desk) == count([*events, *later])


async def test_markers_of_transactions_are_no_events_that_are_unread(desk: Figures) -> None:
    relay = KafkaTransactions(desk.settings.kafka, desk.names.group + ".relay")
    await relay.start()
    for part in range(3):
        events = events_of(tickets(part * 10, 10), part)
        await relay.publish([Outgoing(desk.names.events, event.ticket_id, event.to_json()) for event in events])
    await relay.stop()
    desk.start()
    assert await desk.settled() == []
    engine = create_async_engine(desk.url)
    async with asyncio.timeout(30), engine.connect() as connection:
        while (late := await behind(connection, datetime.now(UTC))).unread != 0:
            await connection.rollback()
            await asyncio.sleep(0.1)
    await engine.dispose()
    assert late.looked is not None


async def test_record_that_is_no_event_is_parked_and_the_rest_counted(desk: Figures) -> None:
    from bus.topics import DEAD_LETTERS

    events = events_of(tickets(0, 10))
    await desk.publish(events[:20])
    bad = await desk.publisher.publish([Outgoing(desk.names.events, "t00003", b'{"kind": "nonsense"}')])
    await desk.publish(events[20:])
    desk.start()
    position = "/".join(map(str, bad[0]))
    left = await desk.settled(30, but=position)
    assert [(each.check, each.subject) for each in left] == [("unreadable", position)]
    assert await published(desk) == count(events)
    assert position in await latest_by_key(desk.settings.kafka, DEAD_LETTERS)


async def leaders(desk: Figures) -> int:
    engine = create_async_engine(desk.url)
    async with engine.connect() as connection:
        held = await connection.scalar(
            sa.text(
                "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND objid = :lock AND granted "
                "AND database = (SELECT oid FROM pg_database WHERE datname = current_database())"
            ),
            {"lock": LEADER_LOCK},
        )
    await engine.dispose()
    assert held is not None
    return int(held)
