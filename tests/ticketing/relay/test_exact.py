"""What stands on the topics is what stands in the tables: all of it, once, untouched, in order."""

import asyncio
import json

import pytest

from bus import topics
from bus.record import Received
from bus.ticket_state import TicketState
from tests.conftest import Stack
from tests.ticketing.relay.desk import Desk, desk, happen, relaying, tell
from ticketing import outbox_tables, tables
from ticketing.outbox import Told, append

pytestmark = pytest.mark.stack


async def assert_topics_equal_tables(of: Desk) -> None:
    """Every document on its topic, byte by byte, once; each ticket's versions in order and without gaps."""
    for table, topic in (
        (outbox_tables.ticket_events, topics.TICKET_EVENTS),
        (outbox_tables.contact_events, topics.CONTACT_EVENTS),
        (outbox_tables.outgoing, topics.replies_topic("email")),
    ):
        found = [_text(record) for record in await of.read(topic)]
        assert sorted(found) == sorted(await of.documents(table)), topic
    seen: dict[str, list[int]] = {}
    for record in await of.read(topics.TICKET_EVENTS):
        event = json.loads(_text(record))
        assert record.key == event["ticket_id"]
        seen.setdefault(event["ticket_id"], []).append(event["version"])
    assert all(versions == list(range(1, len(versions) + 1)) for versions in seen.values())
    states = {record.key: TicketState.from_json(record.value or b"") for record in await of.read(topics.TICKET_STATE)}
    assert {key: state.version for key, state in states.items()} == {key: len(found) for key, found in seen.items()}


def _text(record: Received) -> str:
    assert record.value is not None
    return record.value.decode()


async def test_the_topics_equal_the_tables(stack: Stack) -> None:
    async with desk(stack) as of:
        await tell(of, tickets=30, events=3)
        async with relaying(of, of.relay(limit=7)) as relay:  # batches that cut tickets and transactions in the middle
            await of.settle(relay)
            [ticket_id] = await tell(of)
            await of.settle(relay)
        await assert_topics_equal_tables(of)
        [event] = [
            r for r in await of.read(topics.TICKET_EVENTS) if r.key == ticket_id and b"opened" in (r.value or b"")
        ]
        assert event.headers["ce_type"] == b"ticket.opened"
        assert event.headers["ce_specversion"] == b"1.0"
        assert event.headers["traceparent"].startswith(b"00-111")


async def test_a_state_document_travels_with_the_event_that_made_it(stack: Stack) -> None:
    async with desk(stack) as of:
        [survivor, absorbed] = await tell(of, tickets=2)
        async with of.engine.begin() as connection:
            happened = await happen(connection, survivor) + await happen(connection, absorbed)
            await connection.execute(
                tables.tickets.update()
                .where(tables.tickets.c.id == absorbed)
                .values(root_id=survivor, merged_into=survivor, status="closed")
            )
            await append(connection, ticket_events=[Told(event) for event in happened])
        async with relaying(of) as relay:
            await of.settle(relay)
        states = {r.key: TicketState.from_json(r.value or b"") for r in await of.read(topics.TICKET_STATE)}
        assert states[survivor].aliases == [states[absorbed].number]
        assert states[absorbed].merged_into == survivor
        assert states[survivor].contact_name == "Ada Lovelace"
        assert states[survivor].version == 3


async def test_a_document_never_runs_ahead_of_its_events(stack: Stack) -> None:
    async with desk(stack) as of:
        await tell(of, tickets=3, events=5)
        async with relaying(of, of.relay(limit=2)) as relay:  # tickets have gone on when their first events are read
            await of.settle(relay)
        states = [record.key for record in await of.read(topics.TICKET_STATE)]
        assert len(states) == len(set(states)) == 3  # one each, beside the event that completes it
        await assert_topics_equal_tables(of)


async def test_a_relay_that_starts_again_goes_on_after_its_cursor(stack: Stack) -> None:
    async with desk(stack) as of:
        for _ in range(3):
            await tell(of, tickets=2)
            async with relaying(of) as relay:
                await of.settle(relay)
        await assert_topics_equal_tables(of)


async def test_an_append_wakes_the_relay_at_once(stack: Stack) -> None:
    async with desk(stack) as of:
        async with relaying(of) as relay:
            await tell(of)
            await of.settle(relay)
            reads = 0
            for _ in range(10):
                await tell(of)
                async with asyncio.timeout(0.9):  # less than the pause that would find it anyway
                    await of.settle(relay)
                reads += 1
        assert reads == 10
        await assert_topics_equal_tables(of)
