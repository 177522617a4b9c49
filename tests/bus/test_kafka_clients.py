"""What aiokafka's objects are really configured to, and that nothing of them outlives its end."""

import asyncio
import time
import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from aiokafka.client import AIOKafkaClient
from aiokafka.consumer.group_coordinator import GroupCoordinator
from aiokafka.protocol.produce import ProduceRequest

from bus.closing import end_consumer, end_producer
from bus.errors import Retryable
from bus.kafka_settings import KafkaSettings
from bus.latest import read_to_end
from bus.publisher import KafkaPublisher, producer_options
from bus.reading import consumer_options
from bus.record import Outgoing, Partition
from bus.source import KafkaSource
from bus.topics import MAX_RECORD_BYTES, Topic, create_topics
from bus.transactions import KafkaTransactions
from tests.conftest import Stack


@pytest.fixture
def kafka(stack: Stack) -> KafkaSettings:
    return KafkaSettings(servers=stack.kafka)


async def new_topic(kafka: KafkaSettings) -> str:
    name = f"clients-{uuid.uuid4().hex[:12]}"
    await create_topics(kafka, [Topic(name, "key", 1, ())])
    return name


async def values(kafka: KafkaSettings, topic: str) -> list[bytes | None]:
    return [record.value async for record in read_to_end(kafka, [topic])]


@asynccontextmanager
async def mute_broker() -> AsyncIterator[KafkaSettings]:
    """Something that takes connections and says nothing, as a frozen broker does."""

    async def listen(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while await reader.read(4096):
            pass
        writer.close()

    server = await asyncio.start_server(listen, "127.0.0.1", 0)
    try:
        yield KafkaSettings(servers=f"127.0.0.1:{server.sockets[0].getsockname()[1]}")
    finally:
        server.close()


class Gate:
    """Holds every produce request up until it is opened."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.open = asyncio.Event()
        self.reached = asyncio.Event()
        send = AIOKafkaClient.send

        async def held(client: AIOKafkaClient, node: int, request: Any, **more: Any) -> Any:  # noqa: ANN401
            if isinstance(request, ProduceRequest):
                self.reached.set()
                await self.open.wait()
            return await send(client, node, request, **more)

        monkeypatch.setattr(AIOKafkaClient, "send", held)


@asynccontextmanager
async def nothing_left_running() -> AsyncIterator[None]:
    before = asyncio.all_tasks()
    yield
    await asyncio.sleep(0.05)
    assert {task.get_coro().__qualname__ for task in asyncio.all_tasks() - before} == set()  # type: ignore[union-attr]


async def test_producers_wait_for_all_replicas_and_are_idempotent() -> None:
    producer = AIOKafkaProducer(**producer_options(KafkaSettings()))
    assert producer._sender._acks == -1
    assert producer._txn_manager is not None
    assert producer._txn_manager.transactional_id is None
    assert producer._compression_type == "zstd"
    assert producer._message_accumulator._linger_time == 0
    assert producer._message_accumulator._batch_size == MAX_RECORD_BYTES
    await end_producer(producer)


async def test_transactional_producers_have_their_id_and_a_short_time_out() -> None:
    producer = AIOKafkaProducer(**KafkaTransactions(KafkaSettings(), "relay")._options)
    assert producer._txn_manager.transactional_id == "relay"
    assert producer._txn_manager.transaction_timeout_ms == 30_000
    assert producer._sender._acks == -1
    await end_producer(producer)


@pytest.mark.parametrize(("own_progress", "reset"), [(True, "none"), (False, "earliest")])
async def test_consumers_commit_nothing_by_themselves_and_read_what_is_committed(
    own_progress: bool, reset: str
) -> None:
    consumer = AIOKafkaConsumer(**consumer_options(KafkaSettings(), "g", own_progress=own_progress))
    assert consumer._enable_auto_commit is False
    assert consumer._auto_offset_reset == reset
    assert consumer._isolation_level == "read_committed"
    assert (consumer._session_timeout_ms, consumer._heartbeat_interval_ms) == (30_000, 3_000)
    assert consumer._rebalance_timeout_ms == 60_000
    assert consumer._max_poll_interval_ms == 300_000
    await end_consumer(consumer)
    hasty = consumer_options(KafkaSettings(session_timeout=6), "g", own_progress=own_progress)
    assert (hasty["session_timeout_ms"], hasty["heartbeat_interval_ms"]) == (6_000, 600)


@pytest.mark.stack
async def test_a_source_that_keeps_its_own_progress_never_resets(kafka: KafkaSettings) -> None:
    class Unclaimed:
        async def claim(self, partitions: object) -> dict[Partition, int | None]:
            raise Retryable(f"never {partitions}")

        async def skip(self, record: object) -> None: ...

    source = KafkaSource(kafka, [await new_topic(kafka)], uuid.uuid4().hex, progress=Unclaimed())
    await source.start()
    fetcher = source._consumer._fetcher  # type: ignore[union-attr]
    assert fetcher._isolation_level == 1
    assert fetcher._default_reset_strategy == 0
    assert not source.joined
    await source.stop()


@pytest.mark.stack
async def test_publish_returns_only_after_the_brokers_acknowledgement(
    kafka: KafkaSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    topic, publisher = await new_topic(kafka), KafkaPublisher(kafka)
    await publisher.start()
    await publisher.publish([Outgoing(topic, "k", b"first")])
    gate = Gate(monkeypatch)
    publishing = asyncio.create_task(publisher.publish([Outgoing(topic, "k", b"second")]))
    await gate.reached.wait()
    done, _ = await asyncio.wait({publishing}, timeout=0.3)
    assert not done
    gate.open.set()
    assert (await publishing)[0].offset == 1
    await publisher.stop()


@pytest.mark.stack
async def test_what_was_given_up_never_arrives_after_what_followed(
    kafka: KafkaSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    topic, publisher = await new_topic(kafka), KafkaPublisher(kafka, deadline=0.5)
    await publisher.start()
    await publisher.publish([Outgoing(topic, "k", b"first")])
    with monkeypatch.context() as frozen:
        gate = Gate(frozen)
        with pytest.raises(Retryable):
            await publisher.publish([Outgoing(topic, "k", b"given up")])
        await asyncio.sleep(0.1)
    publisher._deadline = 15.0
    await publisher.publish([Outgoing(topic, "k", b"second")])
    gate.open.set()
    await asyncio.sleep(0.5)
    assert await values(kafka, topic) == [b"first", b"second"]
    await publisher.stop()


@pytest.mark.stack
async def test_stopping_lets_waiting_records_leave_and_refuses_later_ones(
    kafka: KafkaSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    topic, publisher = await new_topic(kafka), KafkaPublisher(kafka)
    async with nothing_left_running():
        await publisher.start()
        await publisher.publish([Outgoing(topic, "k", b"0")])
        gate = Gate(monkeypatch)
        first = asyncio.create_task(publisher.publish([Outgoing(topic, "k", b"1")]))
        await gate.reached.wait()
        second = asyncio.create_task(publisher.publish([Outgoing(topic, "k", b"2")]))
        await asyncio.sleep(0)
        stopping = asyncio.create_task(publisher.stop())
        await asyncio.sleep(0.05)
        gate.open.set()
        await asyncio.gather(first, second, stopping)
    assert await values(kafka, topic) == [b"0", b"1", b"2"]
    with pytest.raises(Retryable, match="stopped"):
        await publisher.publish([Outgoing(topic, "k", b"3")])


@pytest.mark.stack
async def test_stopping_does_not_wait_for_a_broker_that_is_gone(
    kafka: KafkaSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    topic, publisher = await new_topic(kafka), KafkaPublisher(kafka)
    async with nothing_left_running():
        await publisher.start()
        await publisher.publish([Outgoing(topic, "k", b"0")])
        gate = Gate(monkeypatch)
        waiting = asyncio.create_task(publisher.publish([Outgoing(topic, "k", b"1")]))
        await gate.reached.wait()
        began = time.monotonic()
        await publisher.stop()
        with pytest.raises(Retryable):
            await waiting
        assert time.monotonic() - began < 10


async def test_without_kafka_publishing_is_retryable_and_stopping_ends() -> None:
    async with nothing_left_running():
        publisher = KafkaPublisher(KafkaSettings(servers="127.0.0.1:1"))
        await publisher.start()
        with pytest.raises(Retryable, match="Kafka"):
            await publisher.publish([Outgoing("t", "k", b"v")])
        assert not publisher.ready
        await publisher.stop()


async def test_a_frozen_kafka_is_waited_for_no_longer_than_the_deadline() -> None:
    async with mute_broker() as frozen, nothing_left_running():
        publisher = KafkaPublisher(frozen, deadline=0.3)
        await publisher.start()
        calls = [publisher.publish([Outgoing("t", "k", b"v")]) for _ in range(3)]
        async with asyncio.timeout(10):
            found = await asyncio.gather(*calls, return_exceptions=True)
        assert [type(error) for error in found] == [Retryable] * 3
        await publisher.stop()
        transactions = KafkaTransactions(frozen, "tx", deadline=0.3)
        async with asyncio.timeout(10):
            with pytest.raises(Retryable):
                await transactions.start()


async def test_joining_a_frozen_kafka_can_be_cancelled_and_leaves_nothing() -> None:
    async with mute_broker() as frozen, nothing_left_running():
        source = KafkaSource(frozen, ["t"], "g")
        starting = asyncio.create_task(source.start())
        await asyncio.sleep(0.2)
        starting.cancel()
        async with asyncio.timeout(10):
            await asyncio.wait({starting})


@pytest.mark.stack
async def test_a_transaction_that_is_given_up_is_seen_by_nobody_and_blocks_nobody(
    kafka: KafkaSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    topic, name = await new_topic(kafka), uuid.uuid4().hex
    first = KafkaTransactions(kafka, name, deadline=2.0)
    async with nothing_left_running():
        await first.start()
        await first.publish([Outgoing(topic, "k", b"0")])
        with monkeypatch.context() as frozen:
            Gate(frozen)
            with pytest.raises(Retryable):
                await first.publish([Outgoing(topic, "k", b"given up")])
        with pytest.raises(Retryable):
            await first.publish([Outgoing(topic, "k", b"spent")])
        heir = KafkaTransactions(kafka, name)
        await heir.start()
        await heir.publish([Outgoing(topic, "k", b"1")])
        await heir.stop()
    assert await values(kafka, topic) == [b"0", b"1"]


@pytest.mark.stack
async def test_a_member_that_cannot_leave_properly_is_ended_all_the_same(
    kafka: KafkaSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with nothing_left_running():
        source = KafkaSource(kafka, [await new_topic(kafka)], uuid.uuid4().hex)
        await source.start()

        async def never(_: GroupCoordinator) -> None:
            await asyncio.Event().wait()

        monkeypatch.setattr(GroupCoordinator, "_maybe_leave_group", never)
        async with asyncio.timeout(10):
            await source.stop()


@pytest.mark.stack
async def test_what_is_fetched_before_the_assignment_is_heard_of_is_not_lost(kafka: KafkaSettings) -> None:
    topic, publisher = await new_topic(kafka), KafkaPublisher(kafka)
    await publisher.start()
    await publisher.publish([Outgoing(topic, "k", b"%d" % n) for n in range(5)])
    await publisher.stop()
    source = KafkaSource(kafka, [topic], uuid.uuid4().hex)
    await source.start()
    heard, source._next = source._next, {}
    async with asyncio.timeout(20):
        while not source._consumer._fetcher._records:  # type: ignore[union-attr]
            await asyncio.sleep(0.02)
        assert await source.poll() == []
        source._next = heard
        found = await source.poll()
        while not found:
            found = await source.poll()
    assert [record.offset for record in found] == [0, 1, 2, 3, 4]
    await source.stop()
