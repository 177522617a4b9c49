"""Receipts of a batch move deliveries once, in one transaction with their events and the progress."""

import asyncio
import json
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import pytest
import sqlalchemy as sa

from bus.errors import Fenced, Invalid
from bus.progress import FencedProgress
from bus.record import Partition, Received
from bus.reply import Receipt, ReceiptState, Reply
from tests.conftest import Stack
from tests.ticketing.filing.said import CONFIRMING
from tests.ticketing.relay.desk import Desk, desk, happen, open_ticket, reply
from ticketing import outbox_tables, tables
from ticketing.clock import Clock
from ticketing.outbox import Told, append
from ticketing.receipts import Receipts

pytestmark = pytest.mark.stack

TOPIC = "replies.receipts"


async def queued(of: Desk, count: int = 1) -> list[Reply]:
    """Tickets, each with a reply on its way."""
    async with of.engine.begin() as connection:
        replies, events = [], []
        for _ in range(count):
            ticket_id = await open_ticket(connection)
            events += await happen(connection, ticket_id)
            replies.append(reply(ticket_id))
        for each in replies:
            await connection.execute(
                sa.insert(tables.replies).values(
                    id=each.reply_id,
                    ticket_id=each.ticket_id,
                    purpose=each.purpose,
                    channel=each.channel,
                    account=each.account,
                    recipient=each.recipient.address,
                    state="queued",
                    attempt=1,
                    document=each.to_json().decode(),
                    created_at=each.created_at,
                    state_at=each.created_at,
                )
            )
        await append(connection, ticket_events=[Told(e) for e in events], replies=[Told(r) for r in replies])
    return replies


def records(*receipts: tuple[Reply, ReceiptState, int], offset: int = 0) -> list[Received]:
    return [
        Received(
            TOPIC,
            0,
            offset + n,
            each.reply_id,
            Receipt(
                reply_id=each.reply_id,
                ticket_id=each.ticket_id,
                account=each.account,
                connector=each.account,
                state=state,
                attempt=attempt,
                at=datetime.now(UTC),
            ).to_json(),
            0,
        )
        for n, (each, state, attempt) in enumerate(receipts)
    ]


async def handler(of: Desk) -> Receipts:
    progress = FencedProgress(of.engine, tables.progress, "deskstream.receipts", "cluster")
    await progress.claim([Partition(TOPIC, 0)])
    return Receipts(of.engine, progress, CONFIRMING)


async def told(of: Desk, ticket_id: str) -> list[tuple[int, str]]:
    """Version and state of the deliveries told on a ticket."""
    events = [json.loads(document) for document in await of.documents(outbox_tables.ticket_events)]
    return [
        (event["version"], event["data"]["state"])
        for event in events
        if event["ticket_id"] == ticket_id and event["type"] == "ticket.delivery_updated"
    ]


async def rows(of: Desk) -> Sequence[sa.Row[tuple[str, str, int, int]]]:
    async with of.engine.connect() as connection:
        statement = sa.text(
            "SELECT r.id, r.state, r.attempt, t.version FROM desk.replies r JOIN desk.tickets t ON t.id = r.ticket_id"
        )
        return (await connection.execute(statement)).all()


async def test_a_batch_moves_each_delivery_and_tells_each_step_once(stack: Stack) -> None:
    async with desk(stack) as of:
        first, second = await queued(of, 2)
        settle = await handler(of)
        batch = records(
            (first, "attempting", 1), (second, "attempting", 1), (first, "sent", 1), (second, "deferred", 1)
        )
        await settle(batch)
        assert {(row.id, row.state, row.version) for row in await rows(of)} == {
            (first.reply_id, "sent", 2),
            (second.reply_id, "deferred", 2),
        }
        assert await told(of, first.ticket_id) == [(2, "sent")]
        assert await told(of, second.ticket_id) == [(2, "deferred")]


async def test_repeated_and_overtaken_receipts_produce_nothing(stack: Stack) -> None:
    async with desk(stack) as of:
        [one] = await queued(of)
        settle = await handler(of)
        await settle(records((one, "sent", 1)))
        await settle(
            records((one, "sent", 1), (one, "attempting", 1), (one, "failed", 1), (one, "deferred", 1), offset=1)
        )
        assert [(row.state, row.version) for row in await rows(of)] == [("sent", 2)]
        assert await told(of, one.ticket_id) == [(2, "sent")]


async def test_a_receipt_of_an_unknown_reply_is_settled_without_effect(stack: Stack) -> None:
    async with desk(stack) as of:
        await queued(of)
        settle = await handler(of)
        await settle(records((reply("0" * 32), "sent", 1)))
        assert [row.state for row in await rows(of)] == ["queued"]


async def test_what_is_no_receipt_is_for_the_dead_letters(stack: Stack) -> None:
    async with desk(stack) as of:
        settle = await handler(of)
        with pytest.raises(Invalid, match="reply_id"):
            await settle([Received(TOPIC, 0, 0, None, b'{"kind": "receipt.v1"}', 0)])


async def test_another_owner_of_the_partition_fences_the_whole_batch(stack: Stack) -> None:
    async with desk(stack) as of:
        [one] = await queued(of)
        stale = await handler(of)
        await handler(of)
        with pytest.raises(Fenced):
            await stale(records((one, "sent", 1)))
        assert [(row.state, row.version) for row in await rows(of)] == [("queued", 1)]
        assert await told(of, one.ticket_id) == []


async def test_versions_stay_gapless_beside_other_writers(stack: Stack) -> None:
    async with desk(stack) as of:
        replies = await queued(of, 5)
        settle = await handler(of)

        async def write(ticket_id: str) -> None:
            for _ in range(10):
                async with of.engine.begin() as connection:
                    events = await happen(connection, ticket_id)
                    await append(connection, ticket_events=[Told(event) for event in events])

        async def report() -> None:
            states: tuple[ReceiptState, ...] = ("attempting", "uncertain", "sent")
            for offset, state in enumerate(states):
                await settle(records(*((each, state, 1) for each in replies), offset=offset * 5))

        await asyncio.gather(report(), *(write(each.ticket_id) for each in replies))
        events = [json.loads(document) for document in await of.documents(outbox_tables.ticket_events)]
        for each in replies:
            versions = [event["version"] for event in events if event["ticket_id"] == each.ticket_id]
            assert versions == list(range(1, 14))  # 1 opened, 10 of the writer, uncertain, sent; in commit order


async def test_the_clock_publishes_a_deferred_reply_again(stack: Stack) -> None:
    async with desk(stack) as of:
        [one] = await queued(of)
        settle = await handler(of)
        await settle(records((one, "attempting", 1), (one, "deferred", 1)))
        began = datetime.now(UTC)
        assert await Clock(of.engine).tick(began) == 0
        later = Clock(of.engine, now=lambda: datetime.now(UTC) + timedelta(minutes=2))
        assert await later.tick(began) == 1
        assert await later.tick(began) == 0
        assert await told(of, one.ticket_id) == [(2, "deferred"), (3, "queued")]
        first, second = (Reply.from_json(document) for document in await of.documents(outbox_tables.outgoing))
        assert second == first.model_copy(update={"attempt": 2})
        await settle(records((one, "attempting", 2), (one, "sent", 2), offset=2))
        assert [(row.state, row.attempt, row.version) for row in await rows(of)] == [("sent", 2, 4)]


async def test_the_clock_ends_the_wait_for_a_connector(stack: Stack) -> None:
    async with desk(stack) as of:
        waiting, taken = await queued(of, 2)
        settle = await handler(of)
        await settle(records((taken, "attempting", 1)))
        began = datetime.now(UTC)
        late = Clock(of.engine, now=lambda: began + timedelta(minutes=10, seconds=5))
        assert await late.tick(began + timedelta(minutes=1)) == 0  # nobody watched for so long
        assert await late.tick(began) == 1
        assert {(row.id, row.state) for row in await rows(of)} == {
            (waiting.reply_id, "failed"),
            (taken.reply_id, "attempting"),
        }
        assert await told(of, waiting.ticket_id) == [(2, "failed")]
