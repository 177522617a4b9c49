"""Reading one record by its position, outside any group."""

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import KafkaError

from bus.errors import Retryable
from bus.kafka_settings import KafkaSettings
from bus.reading import consumer_options
from bus.record import Position, Received


async def read_record(kafka: KafkaSettings, position: Position) -> Received | None:
    """The record at `position`, None when retention has removed it. Raises Retryable."""
    where = TopicPartition(position.topic, position.partition)
    consumer = AIOKafkaConsumer(**consumer_options(kafka, None, own_progress=False))
    try:
        await consumer.start()
        consumer.assign([where])
        begin, end = (await consumer.beginning_offsets([where]))[where], (await consumer.end_offsets([where]))[where]
        if not begin <= position.offset < end:
            return None
        consumer.seek(where, position.offset)
        while await consumer.position(where) <= position.offset:
            for r in (await consumer.getmany(where, timeout_ms=500, max_records=1)).get(where, ()):
                if r.offset > position.offset:
                    return None
                key = r.key.decode("utf-8", "replace") if r.key is not None else None
                return Received(r.topic, r.partition, r.offset, key, r.value, r.timestamp, dict(r.headers))
    except (KafkaError, OSError) as error:
        raise Retryable(f"Kafka: {type(error).__name__}") from error
    finally:
        await consumer.stop()
    return None
