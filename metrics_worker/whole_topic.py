"""Reading a whole topic as its one active reader.

A consumer group would wait for a dead or frozen member to time out before it gives its partitions away. Here the
leader's lock says who reads, and the epochs of progress fence whoever does not know yet that it lost it.
"""

import asyncio
import time
from collections.abc import Sequence
from typing import Any

import structlog
from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import (
    ConsumerStoppedError,
    IllegalStateError,
    KafkaError,
    NoOffsetForPartitionError,
    OffsetOutOfRangeError,
)

from bus.errors import Retryable
from bus.kafka_settings import KafkaSettings
from bus.leadership import Leadership
from bus.record import Partition, Received
from bus.source import OffsetLost, Progress, consumer_options
from metrics_worker.meters import LAG

log = structlog.get_logger()

_HINT_SECONDS = 1.0
_STUCK_SECONDS = 60.0


class WholeTopic:
    """bus.source.Source of all partitions of one topic, for as long as this worker leads.

    `start` and `rejoin` raise Fenced when it does not. What is committed to Kafka under `group` is a hint
    for those who watch the lag.
    """

    def __init__(
        self,
        kafka: KafkaSettings,
        topic: str,
        partitions: Sequence[int],
        group: str,
        progress: Progress,
        leadership: Leadership,
        *,
        max_records: int = 2_500,
        gather_ms: int = 100,
    ) -> None:
        self.busy = asyncio.Lock()
        self._kafka = kafka
        self._whole = [TopicPartition(topic, partition) for partition in partitions]
        self._group = group
        self._progress = progress
        self._leadership = leadership
        self._max_records = max_records
        self._gather_ms = gather_ms
        self._consumer: AIOKafkaConsumer | None = None
        self._next: dict[TopicPartition, int] = {}
        self._settled: dict[TopicPartition, int] = {}
        self._hinted_at = 0.0
        self._moved_at = time.monotonic()

    async def start(self) -> None:
        """Take progress over and begin there. Raises Retryable, OffsetLost, Fenced, ForeignCluster."""
        await self._leadership.check()
        consumer = AIOKafkaConsumer(
            **consumer_options(self._kafka, self._group, own_progress=True),
            fetch_min_bytes=1024 * 1024 if self._gather_ms else 1,
            fetch_max_wait_ms=self._gather_ms or 500,
        )
        self._consumer = consumer
        try:
            await consumer.start()
            claimed = await self._progress.claim([Partition(tp.topic, tp.partition) for tp in self._whole])
            consumer.assign(self._whole)
            begins = await consumer.beginning_offsets(self._whole)
        except (KafkaError, OSError) as error:
            await self.stop()
            raise Retryable(f"Kafka: {type(error).__name__}") from error
        except BaseException:
            await self.stop()
            raise
        for tp in self._whole:
            position = claimed[Partition(tp.topic, tp.partition)]
            self._next[tp] = begins[tp] if position is None else position
            consumer.seek(tp, self._next[tp])
        self._moved_at = time.monotonic()

    async def poll(self) -> Sequence[Received]:
        """The next records; empty when there are none for a while. Raises Retryable, OffsetLost, Fenced."""
        if self._consumer is None:
            raise Retryable("the consumer has stopped")
        try:
            found = await self._consumer.getmany(timeout_ms=500, max_records=self._max_records)
        except NoOffsetForPartitionError:
            return []  # the fetcher asked before the partition was placed; it is placed now
        except OffsetOutOfRangeError as error:
            raise OffsetLost(
                f"{self._whole[0].topic}: records that were not read yet have been removed: {error}"
            ) from error
        except (KafkaError, ConsumerStoppedError, OSError) as error:
            raise Retryable(f"Kafka: {type(error).__name__}") from error
        batch = [received for tp, records in found.items() for received in self._wanted(tp, records)]
        self._measure_lag()
        if batch:
            self._moved_at = time.monotonic()
        else:
            await self._hint()
            await self._watch()
        return batch

    def _wanted(self, tp: TopicPartition, records: Sequence[Any]) -> list[Received]:
        position = self._next[tp]
        kept = [
            Received(
                tp.topic,
                tp.partition,
                r.offset,
                r.key.decode("utf-8", "replace") if r.key is not None else None,
                r.value,
                r.timestamp,
                dict(r.headers),
            )
            for r in records
            if r.offset >= position
        ]
        if kept:
            self._next[tp] = kept[-1].offset + 1
        return kept

    async def settled(self, batch: Sequence[Received]) -> None:
        """Remember what has taken effect, for the hint."""
        for record in batch:
            self._settled[TopicPartition(record.topic, record.partition)] = record.offset + 1
        await self._hint()

    async def rejoin(self) -> None:
        """Begin again from progress, if this worker still leads."""
        await self.stop()
        await self.start()

    async def stop(self) -> None:
        """Close."""
        consumer, self._consumer = self._consumer, None
        self._next.clear()
        self._settled.clear()
        if consumer is not None:
            closing = asyncio.create_task(consumer.stop())
            done, _ = await asyncio.wait({closing}, timeout=5.0)
            if closing in done:
                closing.exception()
            closing.cancel()

    async def _hint(self) -> None:
        now = time.monotonic()
        if self._consumer is None or not self._settled or now - self._hinted_at < _HINT_SECONDS:
            return
        self._hinted_at = now
        offsets, self._settled = self._settled, {}
        try:
            await self._consumer.commit(offsets)
        except (KafkaError, IllegalStateError, OSError) as error:
            log.info("figures.hint_failed", error=type(error).__name__)

    def _measure_lag(self) -> None:
        if self._consumer is not None:
            marks = ((self._consumer.highwater(tp), position) for tp, position in self._next.items())
            LAG.set(sum(max(0, end - position) for end, position in marks if end is not None))

    async def _watch(self) -> None:
        """aiokafka has no sign of being stuck: records wait, none come, for a minute → make it new."""
        if self._consumer is None or time.monotonic() - self._moved_at < _STUCK_SECONDS:
            return
        self._moved_at = time.monotonic()
        try:
            ends = await self._consumer.end_offsets(list(self._next))
            waiting = [tp for tp, end in ends.items() if await self._consumer.position(tp) < end]
        except (KafkaError, OSError) as error:
            raise Retryable(f"Kafka: {type(error).__name__}") from error
        if waiting:
            log.error("figures.stuck", partitions=len(waiting))
            await self.rejoin()
