"""Reading a topic from its beginning to its present end, outside any group."""

import time
from collections.abc import AsyncIterator, Collection, Sequence

from aiokafka import AIOKafkaConsumer, TopicPartition

from bus.closing import KAFKA_ERRORS, end_consumer, kafka_error
from bus.errors import Retryable
from bus.kafka_settings import KafkaSettings
from bus.reading import consumer_options
from bus.record import Received

_PATIENCE = 60.0
"""Longer than an open transaction holds readers up."""


async def read_to_end(
    kafka: KafkaSettings,
    topics: Sequence[str],
    *,
    partitions: Collection[int] | None = None,
    tail: int | None = None,
) -> AsyncIterator[Received]:
    """Every record that stands on the topics now, each partition in order. Raises Retryable.

    A transaction that stands open, or whose markers Kafka still writes after it has told the producer that it is
    committed, hides itself and what others have committed behind it: we wait until it is closed (by its time-out
    at the latest) and read that too.

    `tail`: begin at most so many offsets before each end (markers of transactions take up offsets too).
    """
    consumer = AIOKafkaConsumer(**consumer_options(kafka, None, own_progress=False))
    try:
        await consumer.start()
        # `consumer.topics()` asks for the same and keeps only the names
        cluster = await consumer._client.fetch_all_metadata()  # noqa: SLF001
        wanted: list[TopicPartition] = []
        for topic in topics:
            known = cluster.partitions_for_topic(topic)
            if not known:
                raise Retryable(f"Kafka has no topic {topic}; run `deskstream topics create`")
            wanted += [TopicPartition(topic, p) for p in sorted(known) if partitions is None or p in partitions]
        consumer.assign(wanted)
        begins = await consumer.beginning_offsets(wanted)
        ends = await _true_ends(kafka, wanted)
        if tail is not None:
            begins = {tp: max(begins[tp], ends[tp] - tail) for tp in wanted}
        left = {tp for tp in wanted if begins[tp] < ends[tp]}
        for tp in wanted:
            consumer.seek(tp, begins[tp])
        positions, moved_at = dict.fromkeys(wanted, -1), time.monotonic()
        while left:
            found = await consumer.getmany(*left, timeout_ms=200)
            for tp, records in found.items():
                for r in records:
                    if r.offset < ends[tp]:
                        key = r.key.decode("utf-8", "replace") if r.key is not None else None
                        yield Received(tp.topic, tp.partition, r.offset, key, r.value, r.timestamp, dict(r.headers))
            # the position also passes transaction markers and compacted gaps, which no record shows
            now = {tp: await consumer.position(tp) for tp in left}
            if now != positions:
                positions, moved_at = now, time.monotonic()
            elif time.monotonic() - moved_at > _PATIENCE:
                raise Retryable(f"Kafka: {', '.join(topics)} cannot be read on for {_PATIENCE:g} s")
            left = {tp for tp in left if now[tp] < ends[tp]}
    except KAFKA_ERRORS as error:
        raise kafka_error(error) from error
    finally:
        await end_consumer(consumer)


async def _true_ends(kafka: KafkaSettings, wanted: Sequence[TopicPartition]) -> dict[TopicPartition, int]:
    """The ends of the log, open transactions included."""
    options = consumer_options(kafka, None, own_progress=False) | {"isolation_level": "read_uncommitted"}
    consumer = AIOKafkaConsumer(**options)
    try:
        await consumer.start()
        ends: dict[TopicPartition, int] = await consumer.end_offsets(wanted)
        return ends
    finally:
        await end_consumer(consumer)


async def latest_by_key(
    kafka: KafkaSettings, topic: str, *, partitions: Collection[int] | None = None, tail: int | None = None
) -> dict[str, Received]:
    """The last record of each key that is not deleted, as compaction would leave it."""
    found: dict[str, Received] = {}
    async for record in read_to_end(kafka, [topic], partitions=partitions, tail=tail):
        if record.key is None:
            continue
        if record.value is None:
            found.pop(record.key, None)
        else:
            found[record.key] = record
    return found
