"""What has come since: a poll gives at once what was fetched ahead while the last batch was in hand. What came after
that would wait for one batch more."""

import asyncio
from typing import Any

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import ConsumerStoppedError, NoOffsetForPartitionError, OffsetOutOfRangeError

from bus.closing import KAFKA_ERRORS

_SINCE_MS = 3
_PATIENCE = 1.0


async def with_newer(consumer: AIOKafkaConsumer, found: dict[TopicPartition, list[Any]], most: int) -> None:
    """Add to what a poll found what has come since, `most` in all.

    Whatever goes wrong here, what was fetched already stays in hand: the next poll meets it again.
    """
    left = most - sum(map(len, found.values()))
    if not found or left <= 0:
        return
    try:
        async with asyncio.timeout(_PATIENCE):
            more = await consumer.getmany(timeout_ms=_SINCE_MS, max_records=left)
    except (*KAFKA_ERRORS, OffsetOutOfRangeError, NoOffsetForPartitionError, ConsumerStoppedError):
        return
    for tp, records in more.items():
        found.setdefault(tp, []).extend(records)
