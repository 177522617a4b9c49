"""Publishing from a command: start, publish, stop."""

from collections.abc import Sequence

from bus.kafka_settings import KafkaSettings
from bus.publisher import KafkaPublisher
from bus.record import Outgoing


async def publish_once(kafka: KafkaSettings, records: Sequence[Outgoing]) -> None:
    """Return once all records stand on their topics. Raises Retryable."""
    publisher = KafkaPublisher(kafka)
    await publisher.start()
    try:
        await publisher.publish(records)
    finally:
        await publisher.stop()
