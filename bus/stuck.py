"""Whether a consumer is stuck: aiokafka has no sign of it (reliability §2)."""

import asyncio
import time
from collections.abc import Collection

from aiokafka import AIOKafkaConsumer, TopicPartition

from bus.closing import KAFKA_ERRORS

_STUCK_AFTER = 60.0
_PATIENCE = 5.0


class StuckWatch:
    """Looks, once a minute without progress, whether records wait that do not come."""

    def __init__(self) -> None:
        self._since = time.monotonic()

    def moved(self) -> None:
        """There is progress, or a new beginning."""
        self._since = time.monotonic()

    async def waiting(self, consumer: AIOKafkaConsumer, owned: Collection[TopicPartition]) -> int | None:
        """In how many of its partitions records wait; None while it is too early to ask, or Kafka is away."""
        if time.monotonic() - self._since < _STUCK_AFTER:
            return None
        self.moved()
        try:
            async with asyncio.timeout(_PATIENCE):
                ends = await consumer.end_offsets(list(owned)) if owned else {}
                return len([tp for tp, end in ends.items() if await consumer.position(tp) < end])
        except KAFKA_ERRORS:
            return None  # the consumer goes on by itself when Kafka is back
