"""Reading whole topics as their one active reader.

A consumer group would wait for a dead or frozen member to time out before it gives its partitions away. Here the
leader's lock says who reads, and the epochs of progress fence whoever does not know yet that it lost it.
"""

import asyncio
from collections.abc import Sequence
from typing import Any

import structlog
from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import (
    ConsumerStoppedError,
    KafkaError,
    NoOffsetForPartitionError,
    OffsetOutOfRangeError,
)

from bus.closing import end_consumer, kafka_error
from bus.commit_hints import CommitHints
from bus.errors import Retryable
from bus.gathering import Gathering
from bus.kafka_settings import KafkaSettings
from bus.leadership import Leadership
from bus.newer import with_newer
from bus.reading import OffsetLost, Progress, consumer_options, received
from bus.record import Partition, Received
from bus.stuck import StuckWatch
from metrics_worker.meters import LAG

log = structlog.get_logger()

_HINT_SECONDS = 1.0
_BUSY = 2_000.0
"""A mail is five events; at a few hundred a second nobody is to wait."""


class WholeTopics:
    """bus.source.Source of all partitions of some topics, for as long as this worker leads.

    `start` and `rejoin` raise Fenced when it does not. What is committed to Kafka under `group` is a hint
    for those who watch the lag.
    """

    def __init__(
        self,
        kafka: KafkaSettings,
        partitions: Sequence[Partition],
        group: str,
        progress: Progress,
        leadership: Leadership,
        *,
        max_records: int = 2_500,
        gather_ms: int = 300,
    ) -> None:
        self.busy = asyncio.Lock()
        self.unread = 0
        self._kafka = kafka
        self._whole = [TopicPartition(*where) for where in partitions]
        self._group = group
        self._progress = progress
        self._leadership = leadership
        self._max_records = max_records
        self._gathering = Gathering(gather_ms, busy=_BUSY)
        self._consumer: AIOKafkaConsumer | None = None
        self._next: dict[TopicPartition, int] = {}
        self._hints = CommitHints(group, _HINT_SECONDS)
        self._stuck = StuckWatch()

    async def start(self) -> None:
        """Take progress over and begin there. Raises Retryable, OffsetLost, Fenced, ForeignCluster."""
        await self._leadership.check()
        consumer = AIOKafkaConsumer(**consumer_options(self._kafka, self._group, own_progress=True))
        self._consumer = consumer
        try:
            await consumer.start()
            claimed = await self._progress.claim([Partition(tp.topic, tp.partition) for tp in self._whole])
            consumer.assign(self._whole)
            begins = await consumer.beginning_offsets(self._whole)
        except (KafkaError, OSError) as error:
            await self.stop()
            raise kafka_error(error) from error
        except BaseException:
            await self.stop()
            raise
        for tp in self._whole:
            position = claimed[Partition(tp.topic, tp.partition)]
            self._next[tp] = begins[tp] if position is None else position
            consumer.seek(tp, self._next[tp])
        self._stuck.moved()

    async def poll(self) -> Sequence[Received]:
        """The next records; empty when there are none for a while. Raises Retryable, OffsetLost, Fenced."""
        consumer = self._consumer
        if consumer is None:
            raise Retryable("the consumer has stopped")
        try:
            found = await consumer.getmany(timeout_ms=500, max_records=self._max_records)
            if not self._gathering.under_way:  # else there is nothing to be had at once
                await with_newer(consumer, found, self._max_records)
        except NoOffsetForPartitionError:
            return []  # the fetcher asked before the partition was placed; it is placed now
        except OffsetOutOfRangeError as error:
            raise OffsetLost(
                f"{self._whole[0].topic}: records that were not read yet have been removed: {error}"
            ) from error
        except (KafkaError, ConsumerStoppedError, OSError) as error:
            raise kafka_error(error) from error
        batch = [received for tp, records in found.items() for received in self._wanted(tp, records)]
        self._gathering.adapt(self._consumer, len(batch))
        await self._measure_lag(consumer)
        if batch:
            self._stuck.moved()
        else:
            await self._hints.say(consumer)
            await self._watch(consumer)
        return batch

    def _wanted(self, tp: TopicPartition, records: Sequence[Any]) -> list[Received]:
        position = self._next[tp]
        kept = [received(record) for record in records if record.offset >= position]
        if kept:
            self._next[tp] = kept[-1].offset + 1
        return kept

    async def settled(self, batch: Sequence[Received]) -> None:
        """Remember what has taken effect, for the hint."""
        for record in batch:
            self._hints.settled(record.source, record.offset + 1)
        if self._consumer is not None:
            await self._hints.say(self._consumer)

    async def rejoin(self) -> None:
        """Begin again from progress, if this worker still leads."""
        await self.stop()
        await self.start()

    async def stop(self) -> None:
        """Close."""
        consumer, self._consumer = self._consumer, None
        self._next.clear()
        self._hints.forget()
        if consumer is not None:
            await end_consumer(consumer)

    async def _measure_lag(self, consumer: AIOKafkaConsumer) -> None:
        unread = 0
        for tp in self._next:
            # the consumer's position passes the markers of transactions, which no record shows; ours does not
            if (end := consumer.highwater(tp)) is not None:
                unread += max(0, end - await consumer.position(tp))
        self.unread = unread
        LAG.set(unread)

    async def _watch(self, consumer: AIOKafkaConsumer) -> None:
        """Records wait, none come, for a minute → make it new."""
        if waiting := await self._stuck.waiting(consumer, list(self._next)):
            log.error("figures.stuck", partitions=waiting)
            await self.rejoin()
