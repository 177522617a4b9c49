"""Replies as they stand on a real Kafka: read whole by each process, told where they belong."""

import asyncio
from datetime import UTC, datetime

import pytest

from bus.kafka_settings import KafkaSettings
from bus.latest import read_to_end
from bus.publisher import KafkaPublisher
from bus.record import Outgoing
from bus.reply import Receipt, Reply
from bus.topics import RECEIPTS, create_topics, replies_topic, topics
from ingest.kafka_replies import KafkaReplies
from ingest.live_replies import LiveReplies
from tests.conftest import Stack
from tests.ingest.sending.replies import a_reply

pytestmark = pytest.mark.stack


def _said(account: str, n: int) -> Reply:
    return a_reply(
        reply_id=f"{account}-{n}",
        ticket_id=f"{account}-ticket-{n}",
        channel="chat",
        account=account,
        purpose="reply",
        provider_thread="session-1",
        created_at=datetime.now(UTC),
    )


async def test_each_process_reads_all_of_it_goes_on_after_a_pause_and_tells_where_it_belongs(stack: Stack) -> None:
    kafka, account = KafkaSettings(servers=stack.kafka), f"chat-{datetime.now(UTC).timestamp():.6f}"
    await create_topics(kafka, topics(["chat"]))
    publisher = KafkaPublisher(kafka)
    await publisher.start()
    caught_up: list[int] = []
    processes = [
        LiveReplies(account, KafkaReplies(kafka, "chat", publisher), caught_up=lambda: caught_up.append(1))
        for _ in range(2)
    ]

    async def published(*numbers: int) -> None:
        replies = [_said(account, n) for n in numbers]
        await publisher.publish([Outgoing(replies_topic("chat"), r.ticket_id, r.to_json()) for r in replies])

    async def all_of_them(count: int) -> None:
        async with asyncio.timeout(60):
            while any(len(process.after("session-1", ())) < count for process in processes):
                await asyncio.sleep(0.02)

    try:
        await published(*range(12))
        for count in (12, 15):
            hearing = [asyncio.create_task(process.run()) for process in processes]
            if count == 15:
                await published(12, 13, 14)
            await all_of_them(count)
            for task in hearing:
                task.cancel()
            await asyncio.gather(*hearing, return_exceptions=True)
        assert len(caught_up) >= 2
        await processes[1].shown("session-1", [f"{account}-{n}" for n in range(15)])
    finally:
        await publisher.stop()
    there = {r.key: r.partition async for r in read_to_end(kafka, [RECEIPTS]) if (r.key or "").startswith(account)}
    assert len(there) == 15
    async for record in read_to_end(kafka, [replies_topic("chat")]):
        if record.key and record.key.startswith(account):
            assert there[Reply.from_json(record.value or b"").reply_id] == record.partition
    async for record in read_to_end(kafka, [RECEIPTS]):
        if (record.key or "").startswith(account):
            receipt = Receipt.from_json(record.value or b"")
            assert (receipt.state, receipt.shown, receipt.connector) == ("sent", True, account)
