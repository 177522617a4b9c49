"""Reading: what a consumer loop asks of a topic, and its making good on Kafka."""

import asyncio
import time
from collections.abc import Collection, Mapping, Sequence
from typing import Any, Protocol

import structlog
from aiokafka import AIOKafkaConsumer, ConsumerRebalanceListener, TopicPartition
from aiokafka.errors import (
    CommitFailedError,
    ConsumerStoppedError,
    IllegalStateError,
    KafkaError,
    NoOffsetForPartitionError,
    OffsetOutOfRangeError,
)

from bus.errors import Retryable
from bus.kafka_settings import KafkaSettings
from bus.record import Partition, Received

log = structlog.get_logger()

_REVOKE_PATIENCE = 20.0
_STUCK_AFTER = 60.0


class OffsetLost(Exception):
    """Retention has removed what was not read yet: an operator must decide, nothing may resume by itself."""


class Progress(Protocol):
    """Where a group keeps how far it has come, when Kafka's committed offsets are not the truth."""

    async def claim(self, partitions: Collection[Partition]) -> Mapping[Partition, int | None]:
        """Take the partitions from their former owner; next offset of each, None for the log's beginning."""
        ...

    async def skip(self, record: Received) -> None:
        """Move past a record that was parked. Raises Fenced when another owns the partition."""
        ...


class Source(Protocol):
    """The records of some topics, shared with the other members of a group.

    `poll` MUST return records of each partition in order, each once per owner, starting where progress (or the
    committed offset) says; `settled` MUST be called when they have taken effect, and MUST NOT be fatal when the
    partition has moved meanwhile. While `busy` is held a partition is not given away (bounded).
    """

    busy: asyncio.Lock

    async def start(self) -> None: ...

    async def poll(self) -> Sequence[Received]: ...

    async def settled(self, batch: Sequence[Received]) -> None: ...

    async def rejoin(self) -> None: ...

    async def stop(self) -> None: ...


def consumer_options(kafka: KafkaSettings, group: str | None, *, own_progress: bool) -> dict[str, Any]:
    """What every consumer here is made with."""
    return kafka.client_options() | {
        "group_id": group,
        "enable_auto_commit": False,
        "auto_offset_reset": "none" if own_progress else "earliest",
        "isolation_level": "read_committed",
        "session_timeout_ms": 30_000,
        "heartbeat_interval_ms": 3_000,
        "rebalance_timeout_ms": 60_000,
        "max_poll_interval_ms": 300_000,
        "metadata_max_age_ms": 60_000,
        "check_crcs": False,
        "fetch_max_bytes": 16 * 1024 * 1024,
        "max_partition_fetch_bytes": 4 * 1024 * 1024,
    }


class KafkaSource(ConsumerRebalanceListener):  # type: ignore[misc]  # aiokafka publishes no types
    """Source on Kafka. `gather_ms`: how long the broker may wait for a megabyte, so that batches form."""

    def __init__(
        self,
        kafka: KafkaSettings,
        topics: Sequence[str],
        group: str,
        *,
        progress: Progress | None = None,
        max_records: int = 1_000,
        gather_ms: int = 15,
    ) -> None:
        self.busy = asyncio.Lock()
        self._kafka = kafka
        self._topics = topics
        self._group = group
        self._progress = progress
        self._max_records = max_records
        self._gather_ms = gather_ms
        self._consumer: AIOKafkaConsumer | None = None
        self._next: dict[Partition, int] = {}
        self._claimed = asyncio.Event()
        self._claim_error: BaseException | None = None
        self._last_commit = 0.0
        self._pending_commit: dict[Partition, int] = {}
        self._last_progress = time.monotonic()

    @property
    def assignment(self) -> frozenset[Partition]:
        """The partitions it owns now."""
        return frozenset(self._next)

    async def start(self) -> None:
        """Join the group. Raises Retryable when Kafka is not there."""
        options = consumer_options(self._kafka, self._group, own_progress=self._progress is not None)
        consumer = AIOKafkaConsumer(
            **options,
            fetch_min_bytes=1024 * 1024 if self._gather_ms else 1,
            fetch_max_wait_ms=self._gather_ms or 500,
        )
        consumer.subscribe(topics=list(self._topics), listener=self)
        self._consumer = consumer
        self._last_progress = time.monotonic()
        try:
            await consumer.start()
        except (KafkaError, OSError) as error:
            await self.stop()
            raise Retryable(f"Kafka: {type(error).__name__}") from error

    async def on_partitions_revoked(self, revoked: Collection[TopicPartition]) -> None:  # noqa: ARG002  # the listener's form
        """Wait for the batch in flight, bounded; fencing or deduplication covers what goes on longer."""
        self._claimed.clear()
        try:
            await asyncio.wait_for(self.busy.acquire(), _REVOKE_PATIENCE)
        except TimeoutError:
            log.warning("source.revoke_timeout", group=self._group)
        else:
            self.busy.release()
        await self._commit(force=True)
        self._next.clear()

    async def on_partitions_assigned(self, assigned: Collection[TopicPartition]) -> None:
        """Take progress over and start there."""
        assert self._consumer is not None
        partitions = [Partition(tp.topic, tp.partition) for tp in assigned]
        try:
            if self._progress is None:
                self._next = dict.fromkeys(partitions, -1)
            else:
                claimed = await self._progress.claim(partitions)
                fresh = [TopicPartition(*p) for p in partitions if claimed.get(p) is None]
                begins = await self._consumer.beginning_offsets(fresh) if fresh else {}
                for tp in assigned:
                    start = claimed.get(Partition(tp.topic, tp.partition))
                    position = begins[tp] if start is None else start
                    self._consumer.seek(tp, position)
                    self._next[Partition(tp.topic, tp.partition)] = position
        except Exception as error:  # noqa: BLE001  # aiokafka would only log it; poll raises it
            log.warning("source.claim_failed", group=self._group, error=str(error)[:200])
            self._claim_error = error
        self._claimed.set()

    async def poll(self) -> Sequence[Received]:
        """The next records; empty when there is nothing for a while. Raises Retryable or OffsetLost."""
        if self._consumer is None:
            raise Retryable("the consumer has stopped")
        if not self._claimed.is_set():
            try:
                await asyncio.wait_for(self._claimed.wait(), 1.0)
            except TimeoutError:
                return []
        if self._claim_error is not None:
            error, self._claim_error = self._claim_error, None
            raise Retryable(f"progress could not be taken over: {error}") from error
        try:
            found = await self._consumer.getmany(timeout_ms=500, max_records=self._max_records)
        except NoOffsetForPartitionError:
            return []  # the fetcher asked before the claim had placed the partition; it is placed now
        except OffsetOutOfRangeError as error:
            raise OffsetLost(
                f"group {self._group}: retention has removed records that were not read: {error}"
            ) from error
        except (KafkaError, ConsumerStoppedError, OSError) as error:
            raise Retryable(f"Kafka: {type(error).__name__}") from error
        batch = [record for tp, records in found.items() for record in self._ours(tp, records)]
        if batch:
            self._last_progress = time.monotonic()
        else:
            await self._commit(force=False)
            await self._watch()
        return batch

    def _ours(self, tp: TopicPartition, records: Sequence[Any]) -> list[Received]:
        where = Partition(tp.topic, tp.partition)
        position = self._next.get(where)
        if position is None or not self._claimed.is_set():
            return []
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
            self._next[where] = kept[-1].offset + 1
        return kept

    async def settled(self, batch: Sequence[Received]) -> None:
        """Remember for the group what has taken effect: at once, or as a hint once a second."""
        for record in batch:
            self._pending_commit[record.source] = record.offset + 1
        await self._commit(force=self._progress is None)

    async def _commit(self, *, force: bool) -> None:
        now = time.monotonic()
        if self._consumer is None or not self._pending_commit or (not force and now - self._last_commit < 1.0):
            return
        pending, self._pending_commit = self._pending_commit, {}
        offsets = {TopicPartition(*p): offset for p, offset in pending.items() if p in self._next}
        self._last_commit = now
        try:
            if offsets:
                await self._consumer.commit(offsets)
        except (CommitFailedError, IllegalStateError):
            log.info("source.partition_moved", group=self._group)
        except (KafkaError, OSError) as error:
            log.warning("source.commit_failed", group=self._group, error=type(error).__name__)
            self._pending_commit = pending | self._pending_commit

    async def _watch(self) -> None:
        """aiokafka has no sign of being stuck: records wait, none come, for a minute → make it new."""
        if time.monotonic() - self._last_progress < _STUCK_AFTER or self._consumer is None:
            return
        self._last_progress = time.monotonic()
        try:
            ends = await self._consumer.end_offsets([TopicPartition(*p) for p in self._next])
            waiting = [tp for tp, end in ends.items() if await self._consumer.position(tp) < end]
        except (KafkaError, OSError) as error:
            raise Retryable(f"Kafka: {type(error).__name__}") from error
        if waiting:
            log.error("source.stuck", group=self._group, partitions=len(waiting))
            await self.rejoin()

    async def rejoin(self) -> None:
        """Leave the group and join again, as a new member."""
        await self.stop()
        await self.start()

    async def stop(self) -> None:
        """Leave the group."""
        consumer, self._consumer = self._consumer, None
        self._claimed.clear()
        if consumer is not None:
            closing = asyncio.create_task(consumer.stop())
            done, _ = await asyncio.wait({closing}, timeout=5.0)
            if closing in done:
                closing.exception()
            closing.cancel()
        self._next.clear()
        self._pending_commit.clear()
