"""Publishing: the one promise, and its making good on Kafka.

Records that wait while a flush is under way travel together in the next one, so that batches form under
load and a lone record leaves at once. aiokafka costs per future and per request, therefore a flush makes one
batch and one future per partition.
"""

import asyncio
from collections import defaultdict
from collections.abc import Sequence
from functools import lru_cache
from typing import Any, Protocol

import structlog
from aiokafka import AIOKafkaProducer
from aiokafka.errors import (
    InvalidProducerIdMapping,
    KafkaError,
    MessageSizeTooLargeError,
    OutOfOrderSequenceNumber,
    ProducerFenced,
    UnknownProducerId,
)
from aiokafka.partitioner import murmur2

from bus.errors import Invalid, Retryable
from bus.kafka_settings import KafkaSettings
from bus.record import Outgoing, Partition, Position
from bus.topics import MAX_RECORD_BYTES

log = structlog.get_logger()

_FATAL = (OutOfOrderSequenceNumber, UnknownProducerId, ProducerFenced, InvalidProducerIdMapping)
_FLUSH_RECORDS = 2_000
_FLUSH_BYTES = 8 * 1024 * 1024


class Publisher(Protocol):
    """Puts records on topics.

    MUST return only once every record is acknowledged by all in-sync replicas, in the order of `records`;
    MUST raise Retryable when that is not certain (some may stand on the topic then);
    MUST raise Invalid, with nothing published, when a record is larger than a topic takes;
    MUST keep the order of records with one key that are handed over by one call or by calls in sequence.
    """

    async def publish(self, records: Sequence[Outgoing]) -> Sequence[Position]: ...


def producer_options(kafka: KafkaSettings) -> dict[str, Any]:
    """What every producer here is made with; nothing is left to the library's defaults that matters."""
    return kafka.client_options() | {
        "acks": "all",
        "enable_idempotence": True,
        "compression_type": "zstd",
        "linger_ms": 0,
        "max_batch_size": MAX_RECORD_BYTES,
        "max_request_size": 8 * MAX_RECORD_BYTES,
        "metadata_max_age_ms": 60_000,
    }


@lru_cache(maxsize=65_536)
def partition_of(key: str, partitions: int) -> int:
    """The partition of a key: murmur2, as every Java client has it."""
    return int(murmur2(key.encode()) & 0x7FFFFFFF) % partitions


def check_sizes(records: Sequence[Outgoing]) -> None:
    """Raise Invalid for a record that no topic takes."""
    for record in records:
        size = len(record.value or b"")
        if size > MAX_RECORD_BYTES - 16 * 1024:
            raise Invalid(f"a record of {size} bytes is too large for {record.topic}")


class _Waiting:
    __slots__ = ("future", "records")

    def __init__(self, records: Sequence[Outgoing], future: asyncio.Future[Sequence[Position]]) -> None:
        self.records = records
        self.future = future


class KafkaPublisher:
    """A Publisher on Kafka with a deadline of its own, that replaces its producer after a fatal error."""

    def __init__(self, kafka: KafkaSettings, *, deadline: float = 15.0) -> None:
        self._kafka = kafka
        self._deadline = deadline
        self._producer: AIOKafkaProducer | None = None
        self._waiting: list[_Waiting] = []
        self._wake = asyncio.Event()
        self._flusher: asyncio.Task[None] | None = None
        self._ready = False

    @property
    def ready(self) -> bool:
        """Whether the last thing asked of Kafka worked."""
        return self._ready

    async def start(self) -> None:
        """Begin; Kafka need not be reachable yet."""
        self._flusher = asyncio.create_task(self._flush_for_ever(), name="publisher")

    async def stop(self) -> None:
        """Let what waits leave, then close."""
        if self._flusher:
            last = [waiting.future for waiting in self._waiting]
            if last and self._ready:
                await asyncio.wait(last, timeout=self._deadline)
            self._flusher.cancel()
            await asyncio.gather(self._flusher, return_exceptions=True)
        await self._discard()

    async def publish(self, records: Sequence[Outgoing]) -> Sequence[Position]:
        """See Publisher. Cancelling the caller does not take back what is under way."""
        if not records:
            return []
        check_sizes(records)
        future: asyncio.Future[Sequence[Position]] = asyncio.get_running_loop().create_future()
        waiting = _Waiting(records, future)
        self._waiting.append(waiting)
        self._wake.set()
        try:
            return await asyncio.wait_for(asyncio.shield(future), self._deadline)
        except TimeoutError:
            if waiting in self._waiting:
                self._waiting.remove(waiting)
            future.cancel()
            raise Retryable(f"Kafka did not acknowledge within {self._deadline:g} s") from None

    async def _flush_for_ever(self) -> None:
        while True:
            await self._wake.wait()
            self._wake.clear()
            while self._waiting:
                taken = self._take()
                try:
                    positions = await asyncio.wait_for(self._flush(taken), self._deadline)
                except (KafkaError, OSError, TimeoutError) as error:
                    await self._failed(taken, error)
                except Exception as error:
                    log.exception("publish.unexpected")
                    await self._failed(taken, error)
                else:
                    self._ready = True
                    for waiting, found in zip(taken, positions, strict=True):
                        if not waiting.future.done():
                            waiting.future.set_result(found)

    def _take(self) -> list[_Waiting]:
        count = size = 0
        for at, waiting in enumerate(self._waiting):
            count += len(waiting.records)
            size += sum(len(record.value or b"") for record in waiting.records)
            if count >= _FLUSH_RECORDS or size >= _FLUSH_BYTES:
                taken, self._waiting = self._waiting[: at + 1], self._waiting[at + 1 :]
                return taken
        taken, self._waiting = self._waiting, []
        return taken

    async def _flush(self, taken: list[_Waiting]) -> list[list[Position]]:
        producer = await self._started()
        groups: dict[Partition, list[tuple[int, int, Outgoing]]] = defaultdict(list)
        for who, waiting in enumerate(taken):
            for at, record in enumerate(waiting.records):
                groups[await partition_for(producer, record)].append((who, at, record))
        found: list[list[Position]] = [[Position("", 0, 0)] * len(waiting.records) for waiting in taken]
        sent = [await send_batches(producer, where, rows) for where, rows in groups.items()]
        for batches in sent:
            for rows, future in batches:
                metadata = await future
                for n, (who, at, _) in enumerate(rows):
                    found[who][at] = Position(metadata.topic, metadata.partition, metadata.offset + n)
        return found

    async def _started(self) -> AIOKafkaProducer:
        if self._producer is None:
            producer = AIOKafkaProducer(**producer_options(self._kafka))
            try:
                await producer.start()
            except BaseException:
                await producer.stop()
                raise
            self._producer = producer
        return self._producer

    async def _failed(self, taken: list[_Waiting], error: Exception) -> None:
        self._ready = False
        log.warning("publish.failed", error=type(error).__name__, detail=str(error)[:200])
        for waiting in taken:
            if not waiting.future.done():
                if isinstance(error, MessageSizeTooLargeError):
                    waiting.future.set_exception(Invalid("Kafka refused a record for its size"))
                else:
                    waiting.future.set_exception(Retryable(f"Kafka: {type(error).__name__}"))
        # Whatever happened, a batch may still wait inside the producer: a repeat by the caller must not
        # overtake it, and after a fatal error the producer id is of no use. Deduplication makes repeats harmless.
        await self._discard()

    async def _discard(self) -> None:
        producer, self._producer = self._producer, None
        if producer is not None:
            closing = asyncio.create_task(producer.stop())
            await asyncio.wait({closing}, timeout=2.0)
            closing.cancel()


async def partition_for(producer: AIOKafkaProducer, record: Outgoing) -> Partition:
    """Where a record goes: where it says, or where its key belongs."""
    if record.partition is not None:
        return Partition(record.topic, record.partition)
    partitions = producer.client.cluster.partitions_for_topic(record.topic) or await producer.partitions_for(
        record.topic
    )
    return Partition(record.topic, partition_of(record.key or "", len(partitions)))


_Rows = list[tuple[int, int, Outgoing]]


async def send_batches(
    producer: AIOKafkaProducer, where: Partition, rows: _Rows
) -> list[tuple[_Rows, asyncio.Future[Any]]]:
    """Hand all records of one partition over, in as few batches as they fit in."""
    sent: list[tuple[_Rows, asyncio.Future[Any]]] = []
    batch, held = producer.create_batch(), _Rows()
    for row in rows:
        record = row[2]
        key = None if record.key is None else record.key.encode()
        headers = list(record.headers)
        if batch.append(timestamp=None, key=key, value=record.value, headers=headers) is None:
            batch.close()
            sent.append((held, await producer.send_batch(batch, where.topic, partition=where.partition)))
            batch, held = producer.create_batch(), _Rows()
            if batch.append(timestamp=None, key=key, value=record.value, headers=headers) is None:
                raise MessageSizeTooLargeError(f"a record for {where.topic} is too large")
        held.append(row)
    batch.close()
    sent.append((held, await producer.send_batch(batch, where.topic, partition=where.partition)))
    return sent
