"""Source on Kafka: a member of a consumer group that gives nothing away while a batch is in hand."""

import asyncio
import time
from collections.abc import Collection, Sequence
from typing import Any

import structlog
from aiokafka import AIOKafkaConsumer, ConsumerRebalanceListener, TopicPartition
from aiokafka.errors import (
    ConsumerStoppedError,
    KafkaError,
    NoOffsetForPartitionError,
    OffsetOutOfRangeError,
    UnknownTopicOrPartitionError,
)

from bus.closing import KAFKA_ERRORS, end_consumer, kafka_error
from bus.commit_hints import CommitHints
from bus.errors import Retryable
from bus.gathering import BUSY, Gathering
from bus.kafka_settings import KafkaSettings
from bus.newer import with_newer
from bus.reading import OffsetLost, Progress, Source, consumer_options, received
from bus.record import Partition, Received
from bus.stuck import StuckWatch

__all__ = ["KafkaSource", "OffsetLost", "Progress", "Source", "consumer_options"]

log = structlog.get_logger()

_REVOKE_PATIENCE = 20.0
_POLL_PATIENCE = 5.0
_COMMIT_EVERY, _HINT_EVERY = 0.2, 1.0
_CLAIM_PATIENCE = 60.0
_PATTERN_REFRESH_MS = 10_000


class KafkaSource(ConsumerRebalanceListener):  # type: ignore[misc]  # aiokafka publishes no types
    """Source on Kafka, of `topics` or of all topics whose whole name matches `pattern`, new ones included.

    `gather_ms`: how long the broker may at most gather, so that batches form (bus.gathering), 0: never; `busy`: records
    a second from which on it does.
    """

    def __init__(
        self,
        kafka: KafkaSettings,
        topics: Sequence[str],
        group: str,
        *,
        pattern: str | None = None,
        progress: Progress | None = None,
        max_records: int = 1_000,
        gather_ms: int = 200,
        busy: float = BUSY,
    ) -> None:
        assert bool(topics) != bool(pattern), "topics or a pattern"
        self.busy = asyncio.Lock()
        self._kafka = kafka
        self._topics = topics
        self._pattern = pattern
        self._group = group
        self._progress = progress
        self._max_records = max_records
        self._gathering = Gathering(gather_ms, busy=busy)
        self._consumer: AIOKafkaConsumer | None = None
        self._assigned = False
        self._unclaimed: frozenset[Partition] = frozenset()
        self._unclaimed_since: float | None = None
        self._next: dict[Partition, int] = {}
        self._hints = CommitHints(group, _COMMIT_EVERY if progress is None else _HINT_EVERY)
        self._stuck = StuckWatch()

    @property
    def assignment(self) -> frozenset[Partition]:
        """The partitions it owns now."""
        return frozenset(self._next)

    @property
    def joined(self) -> bool:
        """Whether it has its share of the group's partitions, and their progress, which may be none of them."""
        return self._assigned and not self._unclaimed

    async def start(self) -> None:
        """Join the group. Raises Retryable when Kafka or a topic is not there."""
        options = consumer_options(self._kafka, self._group, own_progress=self._progress is not None)
        if self._pattern:
            options["metadata_max_age_ms"] = _PATTERN_REFRESH_MS
        consumer = AIOKafkaConsumer(**options)
        if self._pattern:
            consumer.subscribe(pattern=rf"(?:{self._pattern})\Z", listener=self)
        else:
            consumer.subscribe(topics=list(self._topics), listener=self)
        self._consumer = consumer
        self._stuck.moved()
        try:
            await consumer.start()
        except UnknownTopicOrPartitionError as error:
            await self.stop()
            wanted = ", ".join(self._topics)
            raise Retryable(f"Kafka has no topic {wanted}; run `deskstream topics create`") from error
        except KAFKA_ERRORS as error:
            await self.stop()
            raise kafka_error(error) from error
        except BaseException:
            await self.stop()
            raise

    async def on_partitions_revoked(self, revoked: Collection[TopicPartition]) -> None:  # noqa: ARG002  # the listener's form
        """Wait for the batch in flight, bounded; fencing or deduplication covers what goes on longer."""
        try:
            async with asyncio.timeout(_REVOKE_PATIENCE):
                await self.busy.acquire()
        except TimeoutError:
            log.warning("source.revoke_timeout", group=self._group)
        else:
            self.busy.release()
        await self._commit(force=True)
        self._disown()

    async def on_partitions_assigned(self, assigned: Collection[TopicPartition]) -> None:
        """Own them: at once, or when `poll` has taken their progress over.

        Not here: until this returns the group's coordinator hears nothing of us, and a database may be slow.
        """
        partitions = [Partition(tp.topic, tp.partition) for tp in assigned]
        self._disown()
        if self._progress is None:
            self._next = dict.fromkeys(partitions, -1)
        elif self._consumer is not None:
            self._consumer.pause(*assigned)
            self._unclaimed = frozenset(partitions)
        self._assigned = True
        self._stuck.moved()

    def _disown(self) -> None:
        self._assigned = False
        self._unclaimed, self._unclaimed_since = frozenset(), None
        self._next = {}
        self._hints.forget()

    async def _claim(self, consumer: AIOKafkaConsumer, progress: Progress) -> None:
        async with self.busy:  # a rebalance waits for this as it does for a batch
            wanted = self._unclaimed
            claimed = await progress.claim(wanted)
            fresh = [TopicPartition(*p) for p in wanted if claimed.get(p) is None]
            begins = await consumer.beginning_offsets(fresh) if fresh else {}
            if wanted is not self._unclaimed:
                return  # the group did not wait that long
            for where in wanted:
                position = claimed.get(where)
                tp = TopicPartition(*where)
                self._next[where] = begins[tp] if position is None else position
                consumer.seek(tp, self._next[where])  # drops what was fetched from elsewhere
                consumer.resume(tp)
            self._unclaimed, self._unclaimed_since = frozenset(), None

    async def _claim_patiently(self, consumer: AIOKafkaConsumer, progress: Progress) -> None:
        """While the database is away the member stays in its group, with its partitions at rest."""
        try:
            await self._claim(consumer, progress)
        except Retryable as error:
            self._unclaimed_since = self._unclaimed_since or time.monotonic()
            if time.monotonic() - self._unclaimed_since > _CLAIM_PATIENCE:
                raise
            log.warning("source.claim_waits", group=self._group, detail=str(error)[:200])

    async def poll(self) -> Sequence[Received]:
        """The next records; empty when there are none for a while.

        Raises Retryable, OffsetLost, and what progress raises for good (ForeignCluster).
        """
        consumer = self._consumer
        if consumer is None:
            raise Retryable("the consumer has stopped")
        try:
            if self._unclaimed and self._progress is not None:
                await self._claim_patiently(consumer, self._progress)
            async with asyncio.timeout(_POLL_PATIENCE):  # during a rebalance aiokafka waits without bound
                found = await consumer.getmany(timeout_ms=500, max_records=self._max_records)
            if not self._gathering.under_way:  # else there is nothing to be had at once
                await with_newer(consumer, found, self._max_records)
        except TimeoutError:
            found = {}
        except NoOffsetForPartitionError:
            return []  # the fetcher asked before the claim had placed the partition
        except OffsetOutOfRangeError as error:
            raise OffsetLost(await self._lost(consumer, error)) from error
        except (KafkaError, ConsumerStoppedError, OSError) as error:
            raise kafka_error(error) from error
        batch = [record for tp, records in found.items() for record in self._ours(consumer, tp, records)]
        self._gathering.adapt(consumer, len(batch))
        if batch:
            self._stuck.moved()
        else:
            await self._commit(force=False)
            await self._watch(consumer)
        return batch

    def _ours(self, consumer: AIOKafkaConsumer, tp: TopicPartition, records: Sequence[Any]) -> list[Received]:
        where = Partition(tp.topic, tp.partition)
        position = self._next.get(where)
        if position is None:
            # fetched before we heard of the assignment; a claim places the partition itself, else put them back
            if self._progress is None and tp in consumer.assignment():
                consumer.seek(tp, records[0].offset)
            return []
        kept = [received(record) for record in records if record.offset >= position]
        if kept:
            self._next[where] = kept[-1].offset + 1
        return kept

    async def _lost(self, consumer: AIOKafkaConsumer, error: OffsetOutOfRangeError) -> str:
        where, offset = next(iter(error.args[0].items()))
        try:
            async with asyncio.timeout(_POLL_PATIENCE):
                begin = (await consumer.beginning_offsets([where]))[where]
                end = (await consumer.end_offsets([where]))[where]
            holds = f"the log holds {begin} to {end}"
        except KAFKA_ERRORS:
            holds = "the log does not hold it"
        return (
            f"group {self._group}: {where.topic}/{where.partition} is to be read from offset {offset}, but {holds}: "
            "records that were not read yet have been removed"
        )

    async def settled(self, batch: Sequence[Received]) -> None:
        """Remember for the group what has taken effect; Kafka hears of it a few times a second, and at the end."""
        for record in batch:
            # only what was handed out under this assignment: a late batch of a former one must not move us back
            if record.offset < self._next.get(record.source, -1):
                self._hints.settled(record.source, record.offset + 1)
        self._stuck.moved()
        await self._commit(force=False)

    async def _commit(self, *, force: bool) -> None:
        if self._consumer is not None:
            await self._hints.say(self._consumer, force=force)

    async def _watch(self, consumer: AIOKafkaConsumer) -> None:
        """Records wait, none come, for a minute, or we are no member of the group any more → make it new."""
        waiting = await self._stuck.waiting(consumer, [TopicPartition(*p) for p in self._next])
        if waiting is not None and (waiting or not self._assigned):
            log.error("source.stuck", group=self._group, partitions=waiting, assigned=self._assigned)
            raise Retryable("no record came for a minute though some wait")

    async def rejoin(self) -> None:
        """Leave the group and join again, as a new member. Raises Retryable."""
        await self.stop()
        await self.start()

    async def stop(self) -> None:
        """Leave the group."""
        if self._consumer is not None:
            await self._commit(force=True)
        consumer, self._consumer = self._consumer, None
        self._disown()
        if consumer is not None:
            await end_consumer(consumer)
