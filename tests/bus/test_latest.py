"""Reading a topic to its end: markers of transactions, compaction's gaps, open transactions."""

import asyncio
import uuid

import pytest

from bus.errors import Retryable
from bus.kafka_settings import KafkaSettings
from bus.latest import latest_by_key, read_to_end
from bus.publisher import KafkaPublisher
from bus.record import Outgoing
from bus.topics import Topic, create_topics
from bus.transactions import KafkaTransactions
from tests.conftest import Stack

pytestmark = pytest.mark.stack


@pytest.fixture
def kafka(stack: Stack) -> KafkaSettings:
    return KafkaSettings(servers=stack.kafka)


async def new_topic(kafka: KafkaSettings, partitions: int = 1, **config: str) -> str:
    name = f"latest-{uuid.uuid4().hex[:12]}"
    await create_topics(
        kafka, [Topic(name, "key", partitions, (), {n.replace("_", "."): v for n, v in config.items()})]
    )
    return name


async def values(kafka: KafkaSettings, topic: str) -> list[bytes | None]:
    async with asyncio.timeout(30):
        return [record.value async for record in read_to_end(kafka, [topic])]


async def test_a_topic_that_ends_with_a_transactions_marker_is_read_to_its_end(kafka: KafkaSettings) -> None:
    topic = await new_topic(kafka, 2)
    transactions = KafkaTransactions(kafka, f"tx-{uuid.uuid4().hex}")
    await transactions.start()
    for n in range(3):
        await transactions.publish([Outgoing(topic, "k", b"%d" % n, partition=n % 2)])
    await transactions.stop()
    assert sorted(await values(kafka, topic), key=str) == [b"0", b"1", b"2"]


async def test_a_topic_of_markers_only_is_read_to_its_end(kafka: KafkaSettings) -> None:
    topic = await new_topic(kafka)
    transactions = KafkaTransactions(kafka, f"tx-{uuid.uuid4().hex}")
    await transactions.start()
    producer = transactions._producer
    assert producer is not None
    await producer.begin_transaction()
    await producer.send_and_wait(topic, b"aborted", b"k")
    await producer.abort_transaction()
    await transactions.stop()
    assert await values(kafka, topic) == []


@pytest.mark.parametrize("kept", [True, False])
async def test_an_open_transaction_is_waited_for(kafka: KafkaSettings, kept: bool) -> None:
    topic = await new_topic(kafka)
    transactions = KafkaTransactions(kafka, f"tx-{uuid.uuid4().hex}")
    await transactions.start()
    await transactions.publish([Outgoing(topic, "k", b"committed")])
    producer = transactions._producer
    assert producer is not None
    await producer.begin_transaction()
    await producer.send_and_wait(topic, b"open", b"k")
    other = KafkaPublisher(kafka)
    await other.start()
    await other.publish([Outgoing(topic, "k", b"behind it")])
    await other.stop()
    reading = asyncio.create_task(values(kafka, topic))
    assert (await asyncio.wait([reading], timeout=1.5))[1] == {reading}
    await (producer.commit_transaction() if kept else producer.abort_transaction())
    await transactions.stop()
    assert await reading == [b"committed", *([b"open"] if kept else []), b"behind it"]


async def test_what_is_committed_is_read_at_once(kafka: KafkaSettings) -> None:
    topic = await new_topic(kafka)
    transactions = KafkaTransactions(kafka, f"tx-{uuid.uuid4().hex}")
    await transactions.start()
    for n in range(1, 21):
        await transactions.publish([Outgoing(topic, "k", b"x")])
        assert len(await values(kafka, topic)) == n
    await transactions.stop()


async def test_gaps_that_compaction_leaves_are_passed(kafka: KafkaSettings) -> None:
    topic = await new_topic(
        kafka,
        cleanup_policy="compact",
        segment_ms="200",
        min_cleanable_dirty_ratio="0.01",
        min_compaction_lag_ms="0",
        max_compaction_lag_ms="200",
    )
    publisher = KafkaPublisher(kafka)
    await publisher.start()
    for n in range(40):
        await publisher.publish([Outgoing(topic, "one" if n % 2 else "two", b"%d" % n)])
    await asyncio.sleep(0.3)
    await publisher.publish([Outgoing(topic, "three", b"last"), Outgoing(topic, "two", None)])
    async with asyncio.timeout(60):
        while len(await values(kafka, topic)) > 20:  # until the cleaner has been there
            await publisher.publish([Outgoing(topic, "three", b"last")])
            await asyncio.sleep(1)
    await publisher.stop()
    latest = await latest_by_key(kafka, topic)
    assert {key: record.value for key, record in latest.items()} == {"one": b"39", "three": b"last"}


async def test_the_latest_of_each_key_and_no_deleted_one(kafka: KafkaSettings) -> None:
    topic, publisher = await new_topic(kafka), KafkaPublisher(kafka)
    await publisher.start()
    await publisher.publish(
        [Outgoing(topic, "a", b"1"), Outgoing(topic, "b", b"1"), Outgoing(topic, "a", b"2"), Outgoing(topic, "b", None)]
    )
    await publisher.stop()
    assert {key: record.value for key, record in (await latest_by_key(kafka, topic)).items()} == {"a": b"2"}


async def test_an_empty_topic_is_empty_and_a_missing_one_is_named(kafka: KafkaSettings) -> None:
    assert await values(kafka, await new_topic(kafka, 3)) == []
    with pytest.raises(Retryable, match="no topic nowhere-at-all"):
        await values(kafka, "nowhere-at-all")


async def test_without_kafka_it_says_so() -> None:
    with pytest.raises(Retryable, match="Kafka"):
        await values(KafkaSettings(servers="127.0.0.1:1"), "any")
