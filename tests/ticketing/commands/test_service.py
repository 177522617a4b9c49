"""The desk's process, whole: messages in, events, replies and deliveries out, on the real Kafka and PostgreSQL."""

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from pydantic import SecretStr

from bus import topics
from bus.errors import ConfigError
from bus.health import Health
from bus.publisher import KafkaPublisher
from bus.record import Outgoing
from bus.reply import Receipt, Reply
from bus.settings import DatabaseSettings, Settings
from tests.conftest import Stack
from tests.ticketing.mails import mail
from tests.ticketing.relay.desk import Desk, desk, until
from tests.ticketing.relay.test_exact import assert_topics_equal_tables
from ticketing.cluster import adopt
from ticketing.outbox_tables import ticket_events
from ticketing.service import work
from ticketing.tables import messages

pytestmark = pytest.mark.stack


def settings(of: Desk, folder: Path) -> Settings:
    return Settings(kafka=of.kafka, database=DatabaseSettings(url=SecretStr(of.url)), data=folder)


@contextlib.asynccontextmanager
async def serving(of: Desk, folder: Path) -> AsyncIterator[Health]:
    """The service at work; it must end by itself when it is told to."""
    stop, health = asyncio.Event(), Health()
    task = asyncio.ensure_future(work(settings(of, folder), prefix=of.prefix)(stop, health, lambda **_: None))
    try:
        yield health
    finally:
        stop.set()
        await asyncio.wait_for(task, 15)


async def publish(of: Desk, *records: Outgoing) -> None:
    publisher = KafkaPublisher(of.kafka)
    await publisher.start()
    try:
        await publisher.publish(records)
    finally:
        await publisher.stop()


async def refused(of: Desk, folder: Path) -> None:
    """Start the service, which should not want to."""
    running = work(settings(of, folder), prefix=of.prefix)(asyncio.Event(), Health(), lambda **_: None)
    await asyncio.wait_for(running, 20)


async def events(of: Desk, wanted: int) -> list[dict[str, Any]]:
    """The events on the topic, when there are so many."""

    async def found() -> bool:
        return len(await of.read(topics.TICKET_EVENTS)) >= wanted

    await until(found)
    return [json.loads(record.value or b"") for record in await of.read(topics.TICKET_EVENTS)]


async def test_from_a_message_to_its_delivery(stack: Stack, tmp_path: Path) -> None:
    async with desk(stack) as of, serving(of, tmp_path) as health:
        mails = [mail("q1@c"), mail("r1@c", answers="q1@c"), mail("ooo@c", automation="out_of_office")]
        topic = of.prefix + topics.messages_topic("email")
        await publish(of, *(Outgoing(topic, each.author.address, each.to_json()) for each in mails))
        told = await events(of, 4)
        assert sorted(event["type"] for event in told) == [
            "ticket.confirmed",
            "ticket.message_received",
            "ticket.message_received",
            "ticket.opened",
        ]
        [record] = await of.read(topics.replies_topic("email"))
        reply = Reply.from_json(record.value or b"")
        assert (reply.recipient.address, reply.in_reply_to) == ("ann@customer.example", "q1@c")
        receipt = Receipt(
            reply_id=reply.reply_id,
            ticket_id=reply.ticket_id,
            account="support",
            connector="support",
            state="sent",
            attempt=1,
            at=datetime.now(UTC),
        )
        await publish(of, Outgoing(of.prefix + topics.RECEIPTS, reply.reply_id, receipt.to_json(), partition=0))
        told = await events(of, 5)
        assert told[-1]["data"] == {"reply_id": reply.reply_id, "state": "sent"}

        async def ready() -> bool:
            return health.ready

        await until(ready)
        assert health.conditions.keys() == {"kafka", "database", "filer", "relay"}
        assert (tmp_path / "reply-token.keys").stat().st_mode & 0o777 == 0o600
        await assert_topics_equal_tables(of)


async def test_two_processes_share_the_work(stack: Stack, tmp_path: Path) -> None:
    async with desk(stack) as of, serving(of, tmp_path):
        async with serving(of, tmp_path):
            topic = of.prefix + topics.messages_topic("email")
            questions = [mail(f"q{n}@c", sender=f"a{n}@c.example") for n in range(20)]
            answers = [mail(f"r{n}@c", sender=f"a{n}@c.example", answers=f"q{n}@c") for n in range(20)]
            both = [each for pair in zip(answers, questions, strict=True) for each in pair]
            await publish(of, *(Outgoing(topic, each.source_id, each.to_json()) for each in both))

            async def filed() -> bool:
                return len(await of.documents(messages)) == len(both)

            await until(filed)

        async def published() -> bool:
            return len(await of.read(topics.TICKET_EVENTS)) == len(await of.documents(ticket_events))

        await until(published)
        async with of.engine.connect() as connection:
            tickets = await connection.scalar(sa.text("SELECT count(*) FROM desk.tickets WHERE root_id = id"))
        assert tickets == 20
        await assert_topics_equal_tables(of)


async def test_a_database_without_tables_is_named(stack: Stack, tmp_path: Path) -> None:
    async with desk(stack) as of:
        async with of.engine.begin() as connection:
            await connection.execute(sa.text("DROP SCHEMA desk CASCADE"))
        with pytest.raises(ConfigError, match="deskstream db upgrade"):
            await refused(of, tmp_path)


async def test_another_kafka_cluster_waits_for_an_operators_word(stack: Stack, tmp_path: Path) -> None:
    async with desk(stack) as of:
        async with of.engine.begin() as connection:
            await connection.execute(
                sa.text(
                    'INSERT INTO desk.progress ("group", topic, partition, cluster_id, epoch, next_offset) '
                    "VALUES ('deskstream.ticketing', 'messages.email', 0, 'the former one', 3, 70)"
                )
            )
        with pytest.raises(ConfigError, match="deskstream db adopt-cluster"):
            await refused(of, tmp_path)
        cluster, changed = await adopt(of.kafka, of.url)
        assert changed == 1
        async with of.engine.connect() as connection:
            row = (await connection.execute(sa.text("SELECT cluster_id, epoch, next_offset FROM desk.progress"))).one()
        assert tuple(row) == (cluster, 4, None)
