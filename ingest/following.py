"""Following a small topic from its beginning, outside any group: all that stands on it, then what comes."""

from collections.abc import AsyncIterator

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import KafkaError

from bus.errors import Retryable
from bus.kafka_settings import KafkaSettings
from bus.reading import consumer_options
from bus.record import Received


async def follow(kafka: KafkaSettings, topic: str) -> AsyncIterator[Received | None]:
    """Every record of partition 0; None once, when all that stood there at the start has been given.

    Raises Retryable; then follow again, from the beginning.
    """
    where = TopicPartition(topic, 0)
    consumer = AIOKafkaConsumer(**consumer_options(kafka, None, own_progress=False))
    try:
        await consumer.start()
        consumer.assign([where])
        end = (await consumer.end_offsets([where]))[where]
        await consumer.seek_to_beginning(where)
        caught_up = False
        while True:
            if not caught_up and await consumer.position(where) >= end:
                caught_up = True
                yield None
            for r in (await consumer.getmany(where, timeout_ms=500)).get(where, ()):
                key = r.key.decode("utf-8", "replace") if r.key is not None else None
                yield Received(r.topic, r.partition, r.offset, key, r.value, r.timestamp, dict(r.headers))
    except (KafkaError, OSError) as error:
        raise Retryable(f"Kafka: {type(error).__name__}") from error
    finally:
        await consumer.stop()
