"""Following a topic from its beginning, outside any group: all that stands on it, then what comes."""

from collections.abc import AsyncIterator, Mapping

from aiokafka import AIOKafkaConsumer, TopicPartition

from bus.closing import KAFKA_ERRORS, end_consumer, kafka_error
from bus.errors import Retryable
from bus.kafka_settings import KafkaSettings
from bus.reading import consumer_options, received
from bus.record import Received


async def follow(
    kafka: KafkaSettings, topic: str, *, begin: Mapping[int, int] | None = None
) -> AsyncIterator[Received | None]:
    """Every record of the topic; None once, when all that stood there at the start has been given.

    `begin`: by partition the offset to begin at, where it is not the beginning. Raises Retryable; then follow again.
    """
    consumer = AIOKafkaConsumer(**consumer_options(kafka, None, own_progress=False))
    try:
        await consumer.start()
        # `consumer.topics()` asks for the same and keeps only the names
        cluster = await consumer._client.fetch_all_metadata()  # noqa: SLF001
        known = cluster.partitions_for_topic(topic)
        if not known:
            raise Retryable(f"Kafka has no topic {topic}; run `deskstream topics create`")
        where = [TopicPartition(topic, partition) for partition in sorted(known)]
        consumer.assign(where)
        left = await consumer.end_offsets(where)
        first = await consumer.beginning_offsets(where)
        for tp in where:
            consumer.seek(tp, max(first[tp], (begin or {}).get(tp.partition, 0)))
        caught_up = False
        while True:
            if not caught_up:
                left = {tp: end for tp, end in left.items() if await consumer.position(tp) < end}
                if not left:
                    caught_up = True
                    yield None
            for records in (await consumer.getmany(*where, timeout_ms=500)).values():
                for record in records:
                    yield received(record)
    except KAFKA_ERRORS as error:
        raise kafka_error(error) from error
    finally:
        await end_consumer(consumer)
