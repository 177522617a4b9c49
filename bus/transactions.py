"""Kafka transactions: all records of a call, or none, by the one process that holds the transactional id."""

import asyncio
from collections import defaultdict
from collections.abc import Sequence
from typing import Any, Protocol

from aiokafka import AIOKafkaProducer
from aiokafka.errors import InvalidTxnState, KafkaError, ProducerFenced

from bus.errors import Fenced, Retryable
from bus.kafka_settings import KafkaSettings
from bus.publisher import check_sizes, partition_for, producer_options, send_batches
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
    """TransactionalPublisher on one aiokafka producer; made new after every error."""

    def __init__(self, kafka: KafkaSettings, transactional_id: str, *, deadline: float = 15.0) -> None:
        self._options: dict[str, Any] = producer_options(kafka) | {
            "transactional_id": transactional_id,
            "transaction_timeout_ms": 30_000,
        }
        self._deadline = deadline
        self._producer: AIOKafkaProducer | None = None

    async def start(self) -> None:
        """Take the transactional id."""
        producer = AIOKafkaProducer(**self._options)
        try:
            await asyncio.wait_for(producer.start(), self._deadline)
        except (KafkaError, OSError, TimeoutError) as error:
            await _close(producer)
            raise Retryable(f"Kafka: {type(error).__name__}") from error
        self._producer = producer

    async def publish(self, records: Sequence[Outgoing]) -> None:
        """See TransactionalPublisher."""
        check_sizes(records)
        if self._producer is None:
            raise Retryable("the transactional producer has stopped")
        try:
            await asyncio.wait_for(self._publish(self._producer, records), self._deadline)
        except ProducerFenced as error:
            await self.stop()
            raise Fenced("another process has taken this transactional id") from error
        except (KafkaError, OSError, TimeoutError, InvalidTxnState) as error:
            await self.stop()
            raise Retryable(f"Kafka: {type(error).__name__}") from error

    async def _publish(self, producer: AIOKafkaProducer, records: Sequence[Outgoing]) -> None:
        await producer.begin_transaction()
        groups: dict[Partition, list[tuple[int, int, Outgoing]]] = defaultdict(list)
        for at, record in enumerate(records):
            groups[await partition_for(producer, record)].append((0, at, record))
        sent = [await send_batches(producer, where, rows) for where, rows in groups.items()]
        for batches in sent:
            for _, future in batches:
                await future
        await producer.commit_transaction()

    async def stop(self) -> None:
        """Close. A transaction under way is left to the broker's time-out or to the next holder, who aborts it."""
        producer, self._producer = self._producer, None
        if producer is not None:
            await _close(producer)


async def _close(producer: AIOKafkaProducer) -> None:
    closing = asyncio.create_task(producer.stop())
    done, _ = await asyncio.wait({closing}, timeout=2.0)
    if closing in done and closing.exception() is not None:
        # a fenced producer's stop raises before it has closed its connections
        await asyncio.wait({asyncio.create_task(producer.client.close())}, timeout=2.0)
    closing.cancel()
