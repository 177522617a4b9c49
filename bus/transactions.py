"""Kafka transactions: all records of a call, or none, by the one process that holds the transactional id."""

import asyncio
from collections import defaultdict
from collections.abc import Sequence
from typing import Any, Protocol

from aiokafka import AIOKafkaProducer
from aiokafka.errors import InvalidProducerEpoch, ProducerFenced

from bus.batches import Row, check_sizes, partition_counts, placed, send_batches
from bus.closing import KAFKA_ERRORS, end_producer, kafka_error
from bus.errors import Fenced, Retryable
from bus.kafka_settings import KafkaSettings
from bus.publisher import producer_options
from bus.record import Outgoing, Partition


class TransactionalPublisher(Protocol):
    """Publishes sets of records atomically.

    `start` MUST fence every earlier holder of the id before it returns.
    `publish` MUST make all records visible to read_committed readers, or none; it raises Fenced when another
    has taken the id, and Retryable when the outcome is unknown: then this object is spent, and the next one
    MUST learn from the topics themselves what became of the last call.
    """

    async def start(self) -> None: ...

    async def publish(self, records: Sequence[Outgoing]) -> None: ...

    async def stop(self) -> None: ...


class KafkaTransactions:
    """TransactionalPublisher on one aiokafka producer; spent after every error, then a new object is made."""

    def __init__(self, kafka: KafkaSettings, transactional_id: str, *, deadline: float = 15.0) -> None:
        self._options: dict[str, Any] = producer_options(kafka) | {
            "transactional_id": transactional_id,
            "transaction_timeout_ms": 30_000,
        }
        self._deadline = deadline
        self._producer: AIOKafkaProducer | None = None

    async def start(self) -> None:
        """Take the transactional id. Raises Retryable."""
        producer = AIOKafkaProducer(**self._options)
        try:
            async with asyncio.timeout(self._deadline):
                await producer.start()
        except KAFKA_ERRORS as error:
            await end_producer(producer)
            raise kafka_error(error) from error
        except BaseException:
            await end_producer(producer)
            raise
        self._producer = producer

    async def publish(self, records: Sequence[Outgoing]) -> None:
        """See TransactionalPublisher. Raises Invalid, unspent, when a record can stand on no partition of its topic."""
        if not records:
            return
        check_sizes(records)
        if self._producer is None:
            raise Retryable("the transactional producer has stopped")
        try:
            async with asyncio.timeout(self._deadline):
                groups = await self._placed(self._producer, records)
        except KAFKA_ERRORS as error:
            await self.stop()
            raise kafka_error(error) from error
        try:
            async with asyncio.timeout(self._deadline):
                await self._publish(self._producer, groups)
        except (ProducerFenced, InvalidProducerEpoch) as error:
            await self.stop()
            raise Fenced("another process has taken this transactional id") from error
        except (*KAFKA_ERRORS, AssertionError) as error:  # the last: its state after a fatal error allows nothing more
            await self.stop()
            raise kafka_error(error) from error
        except BaseException:
            await self.stop()
            raise

    async def _placed(self, producer: AIOKafkaProducer, records: Sequence[Outgoing]) -> dict[Partition, list[Row]]:
        counts = await partition_counts(producer, {record.topic for record in records})
        groups: dict[Partition, list[Row]] = defaultdict(list)
        for at, record in enumerate(records):
            groups[placed(record, counts)].append((0, at, record))
        return groups

    async def _publish(self, producer: AIOKafkaProducer, groups: dict[Partition, list[Row]]) -> None:
        await producer.begin_transaction()
        sent = [await send_batches(producer, where, rows) for where, rows in groups.items()]
        for _, future in (batch for batches in sent for batch in batches):
            await future
        await producer.commit_transaction()

    async def stop(self) -> None:
        """Close. A transaction under way is left to the broker's time-out or to the next holder, who aborts it."""
        producer, self._producer = self._producer, None
        if producer is not None:
            await end_producer(producer)
