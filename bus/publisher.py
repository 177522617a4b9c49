"""Publishing: the one promise, and its making good on Kafka.

Records that wait while a flush is under way travel together in the next one, so that batches form under load and a
lone record leaves at once.
"""

import asyncio
import contextlib
from collections import defaultdict
from collections.abc import Sequence
from typing import Any, Protocol

import structlog
from aiokafka import AIOKafkaProducer
from aiokafka.errors import MessageSizeTooLargeError

from bus.batches import Row, check_sizes, partition_counts, placed, send_batches
from bus.closing import KAFKA_ERRORS, end_producer, kafka_error
from bus.compression import compress_lightly
from bus.deadlines import Deadlines
from bus.errors import Invalid, Retryable
from bus.kafka_settings import KafkaSettings
from bus.partition_hash import partition_of
from bus.record import Outgoing, Partition, Position
from bus.topics import MAX_RECORD_BYTES

__all__ = ["KafkaPublisher", "Publisher", "partition_of", "producer_options"]

log = structlog.get_logger()

_FLUSH_RECORDS = 2_000
_FLUSH_BYTES = 8 * 1024 * 1024
_STOP_PATIENCE = 3.0


class Publisher(Protocol):
    """Puts records on topics.

    MUST return only once every record is acknowledged by all in-sync replicas, in the order of `records`;
    MUST raise Retryable when that is not certain (some may stand on the topic then);
    MUST raise Invalid, with nothing published, when a record is larger than a topic takes;
    MUST keep the order of records with one key that are handed over by one call or by calls in sequence;
    MUST end, one way or the other, within a deadline of its own;
    MUST NOT take back what is under way when its caller is cancelled.
    """

    async def publish(self, records: Sequence[Outgoing]) -> Sequence[Position]: ...


def producer_options(kafka: KafkaSettings) -> dict[str, Any]:
    """What every producer here is made with; nothing is left to the library's defaults that matters."""
    compress_lightly()
    return kafka.client_options() | {
        "acks": "all",
        "enable_idempotence": True,
        "compression_type": "zstd",
        "linger_ms": 0,
        "max_batch_size": MAX_RECORD_BYTES,
        "max_request_size": 8 * MAX_RECORD_BYTES,
        "metadata_max_age_ms": 60_000,
    }


class _Call:
    """One call of `publish`: its records, where they came to stand, and who waits for it."""

    __slots__ = ("found", "future", "records")

    def __init__(self, records: Sequence[Outgoing]) -> None:
        self.records = records
        self.found: list[Position] = [Position("", 0, 0)] * len(records)
        self.future: asyncio.Future[Sequence[Position]] = asyncio.get_running_loop().create_future()

    def fail(self, error: Exception) -> None:
        if not self.future.done():
            self.future.set_exception(error)

    def succeed(self) -> None:
        if not self.future.done():
            self.future.set_result(self.found)


class KafkaPublisher:
    """A Publisher on Kafka with a deadline of its own, that replaces its producer after every error.

    `linger`: seconds for which a flush waits, at most, until as many callers have come as came together just before; a
    lone one never waits.
    """

    def __init__(self, kafka: KafkaSettings, *, deadline: float = 15.0, linger: float = 0.0) -> None:
        self._kafka = kafka
        self._deadline = deadline
        self._linger = linger
        self._producer: AIOKafkaProducer | None = None
        self._waiting: list[_Call] = []
        self._leaving: list[_Call] = []
        self._wake = asyncio.Event()
        self._company = 1
        self._together = asyncio.Event()
        self._settled = asyncio.Event()
        self._deadlines = Deadlines()
        self._flusher: asyncio.Task[None] | None = None
        self._ready = False
        self._stopped = False

    @property
    def ready(self) -> bool:
        """Whether the last thing asked of Kafka worked."""
        return self._ready

    async def start(self) -> None:
        """Begin; Kafka need not be reachable yet."""
        self._stopped = False
        self._flusher = asyncio.create_task(self._flush_for_ever(), name="publisher")

    async def stop(self) -> None:
        """Let what waits leave for a moment, then close; whoever still waits gets Retryable."""
        self._stopped = True
        if (self._leaving or self._waiting) and self._ready:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._settled.wait(), min(self._deadline, _STOP_PATIENCE))
        if self._flusher:
            self._flusher.cancel()
            await asyncio.gather(self._flusher, return_exceptions=True)
        for call in (*self._leaving, *self._waiting):
            call.fail(Retryable("the publisher has stopped"))
        self._leaving, self._waiting = [], []
        await self._discard()

    async def publish(self, records: Sequence[Outgoing]) -> Sequence[Position]:
        """See Publisher."""
        if not records:
            return []
        check_sizes(records)
        if self._stopped:
            raise Retryable("the publisher has stopped")
        call = _Call(records)
        self._waiting.append(call)
        self._settled.clear()
        self._wake.set()
        if len(self._waiting) >= self._company:
            self._together.set()
        try:
            with self._deadlines.within(self._deadline):
                return await call.future  # cancelled, it leaves all the same
        except TimeoutError:
            if call in self._waiting:
                self._waiting.remove(call)
            raise Retryable(f"Kafka did not acknowledge within {self._deadline:g} s") from None

    async def _flush_for_ever(self) -> None:
        while True:
            await self._wake.wait()
            self._wake.clear()
            while self._waiting:
                await self._gather()
                self._leaving = self._take()
                self._company = max(len(self._leaving), self._company - 1)
                try:
                    async with asyncio.timeout(self._deadline):
                        await self._flush(self._leaving)
                    self._ready = True
                except KAFKA_ERRORS as error:
                    await self._failed(error)
                except Exception as error:
                    log.exception("publish.unexpected")
                    await self._failed(error)
                self._leaving = []
            self._settled.set()

    async def _gather(self) -> None:
        """Who was answered together comes again together, and one request for all costs what each would."""
        if self._linger and len(self._waiting) < self._company:
            self._together.clear()
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(self._linger):
                    await self._together.wait()

    def _take(self) -> list[_Call]:
        count = size = 0
        for at, call in enumerate(self._waiting):
            count += len(call.records)
            size += sum(len(record.value or b"") for record in call.records)
            if count >= _FLUSH_RECORDS or size >= _FLUSH_BYTES:
                taken, self._waiting = self._waiting[: at + 1], self._waiting[at + 1 :]
                return taken
        taken, self._waiting = self._waiting, []
        return taken

    async def _flush(self, calls: list[_Call]) -> None:
        """Settle every call. Raises what went wrong with any batch, so that the producer is replaced."""
        producer = await self._started()
        counts = await partition_counts(producer, {record.topic for call in calls for record in call.records})
        groups: dict[Partition, list[Row]] = defaultdict(list)
        for who, call in enumerate(calls):
            try:
                places = [placed(record, counts) for record in call.records]
            except (Retryable, Invalid) as error:
                call.fail(error)
                continue
            for at, (record, where) in enumerate(zip(call.records, places, strict=True)):
                groups[where].append((who, at, record))
        sent = [await send_batches(producer, where, rows) for where, rows in groups.items()]
        first: Exception | None = None
        for rows, future in (batch for batches in sent for batch in batches):
            try:
                metadata = await future
            except KAFKA_ERRORS as error:
                first = first or error
                for who in {row[0] for row in rows}:
                    calls[who].fail(_meaning(error, alone=len(rows) == 1))
                continue
            for n, (who, at, _) in enumerate(rows):
                calls[who].found[at] = Position(metadata.topic, metadata.partition, metadata.offset + n)
        for call in calls:
            call.succeed()
        if first is not None:
            raise first

    async def _started(self) -> AIOKafkaProducer:
        if self._producer is None:
            producer = AIOKafkaProducer(**producer_options(self._kafka))
            try:
                await producer.start()
            except BaseException:
                await end_producer(producer)
                raise
            self._producer = producer
        return self._producer

    async def _failed(self, error: Exception) -> None:
        self._ready = False
        log.warning("publish.failed", error=type(error).__name__, detail=str(error)[:200])
        for call in self._leaving:
            call.fail(kafka_error(error))
        # Whatever happened, a batch may still wait inside the producer: a repeat by the caller must not be
        # overtaken by it, and after a fatal error the producer id is of no use. Deduplication makes repeats harmless.
        await self._discard()

    async def _discard(self) -> None:
        producer, self._producer = self._producer, None
        if producer is not None:
            await end_producer(producer)


def _meaning(error: Exception, *, alone: bool) -> Exception:
    if isinstance(error, MessageSizeTooLargeError):
        # of several it is not known whose fault it is; a topic that takes less than we send is the operator's to mend
        return (
            Invalid("Kafka refused a record for its size")
            if alone
            else Retryable(
                f"Kafka refused a batch for its size; set max.message.bytes of the topic to {MAX_RECORD_BYTES} or more"
            )
        )
    return kafka_error(error)
