"""Telling Kafka, now and then, how far a group has come: a hint for those who watch, and the truth of some groups."""

import asyncio
import time

import structlog
from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import CommitFailedError, IllegalStateError

from bus.closing import KAFKA_ERRORS
from bus.record import Partition

log = structlog.get_logger()

_PATIENCE = 2.0


class CommitHints:
    """What has been settled and is not committed yet. What a crash leaves unsaid is repeated, which is harmless.

    `every`: at most one request in so many seconds; one for each batch is not free.
    """

    def __init__(self, group: str, every: float) -> None:
        self._group = group
        self._every = every
        self._pending: dict[Partition, int] = {}
        self._said_at = 0.0
        self._owner = 0

    def settled(self, where: Partition, next_offset: int) -> None:
        """Everything before `next_offset` has taken effect."""
        self._pending[where] = next_offset

    def forget(self) -> None:
        """The partitions are another's now: what was not said is his to say."""
        self._pending = {}
        self._owner += 1

    async def say(self, consumer: AIOKafkaConsumer, *, force: bool = False) -> None:
        """Commit, if it is time to or `force`. Never fails: what Kafka did not take is said the next time."""
        now = time.monotonic()
        if not self._pending or (not force and now - self._said_at < self._every):
            return
        owner, pending, self._pending = self._owner, self._pending, {}
        self._said_at = now
        try:
            async with asyncio.timeout(_PATIENCE):  # aiokafka repeats for ever while Kafka is away
                await consumer.commit({TopicPartition(*where): offset for where, offset in pending.items()})
        except (CommitFailedError, IllegalStateError):
            log.info("source.partition_moved", group=self._group)
        except KAFKA_ERRORS as error:
            log.warning("source.commit_failed", group=self._group, error=type(error).__name__)
            if owner == self._owner:
                self._pending = pending | self._pending
