"""Reading topics from one position to another, outside any group."""

import time
from collections.abc import AsyncIterator, Mapping, Sequence

from aiokafka import AIOKafkaConsumer, TopicPartition

from bus.closing import KAFKA_ERRORS, end_consumer, kafka_error
from bus.errors import Retryable
from bus.kafka_settings import KafkaSettings
from bus.reading import consumer_options, received
from bus.record import Partition, Received

_PATIENCE = 60.0


class Ranges:
    """The partitions of some topics; `start` before the first use. All raise Retryable when Kafka is away."""

    def __init__(self, kafka: KafkaSettings, partitions: Sequence[Partition]) -> None:
        self._whole = [TopicPartition(*where) for where in partitions]
        self._consumer = AIOKafkaConsumer(**consumer_options(kafka, None, own_progress=False))

    async def start(self) -> None:
        """Connect."""
        try:
            await self._consumer.start()
        except KAFKA_ERRORS as error:
            raise kafka_error(error) from error

    async def stop(self) -> None:
        """Disconnect."""
        await end_consumer(self._consumer)

    async def ends(self) -> dict[Partition, int]:
        """Where each partition ends now."""
        try:
            ends = await self._consumer.end_offsets(self._whole)
        except KAFKA_ERRORS as error:
            raise kafka_error(error) from error
        return {Partition(tp.topic, tp.partition): end for tp, end in ends.items()}

    async def read(
        self, begin: Mapping[Partition, int], end: Mapping[Partition, int]
    ) -> AsyncIterator[Sequence[Received]]:
        """All records from `begin` (0 where it says nothing) to before `end`, partition after partition, in batches."""
        wanted = {TopicPartition(*where): stop for where, stop in end.items() if begin.get(where, 0) < stop}
        if not wanted:
            return
        consumer = self._consumer
        try:
            consumer.assign(list(wanted))
            for tp in wanted:
                consumer.seek(tp, begin.get(Partition(tp.topic, tp.partition), 0))
            # of those whose turn has not come the first records are fetched meanwhile
            for tp in sorted(wanted):
                position, moved_at = -1, time.monotonic()
                # the position also passes transaction markers, which no record shows
                while (now := await consumer.position(tp)) < wanted[tp]:
                    if now != position:
                        position, moved_at = now, time.monotonic()
                    elif time.monotonic() - moved_at > _PATIENCE:
                        raise Retryable(f"Kafka: {tp.topic} cannot be read on for {_PATIENCE:g} s")
                    records = (await consumer.getmany(tp, timeout_ms=200, max_records=5_000)).get(tp, ())
                    if batch := [received(record) for record in records if record.offset < wanted[tp]]:
                        yield batch
        except KAFKA_ERRORS as error:
            raise kafka_error(error) from error
