"""Moving a group back to an earlier time."""

import asyncio
from datetime import datetime

import structlog
from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import KafkaError

from bus.errors import Retryable
from bus.kafka_settings import KafkaSettings
from bus.reading import consumer_options

log = structlog.get_logger()

_ATTEMPTS = 45


async def rewind_group(kafka: KafkaSettings, group: str, topic: str, since: datetime) -> None:
    """Let the group, which MUST have no member in this process, begin again at `since`.

    Another process of the group is asked the same and leaves it for that time. Raises Retryable.
    """
    consumer = AIOKafkaConsumer(**consumer_options(kafka, group, own_progress=False))
    try:
        await consumer.start()
        offsets = await _offsets_since(consumer, topic, since)
        consumer.assign(list(offsets))
        for attempt in range(_ATTEMPTS):
            try:
                await consumer.commit(offsets)
            except KafkaError as error:  # a member that was killed is remembered for a while
                if attempt == _ATTEMPTS - 1:
                    raise
                log.info("rewind.waits", group=group, detail=type(error).__name__)
                await asyncio.sleep(1.0)
            else:
                return
    except (KafkaError, OSError) as error:
        raise Retryable(f"Kafka: {type(error).__name__}") from error
    finally:
        await consumer.stop()


async def _offsets_since(consumer: AIOKafkaConsumer, topic: str, since: datetime) -> dict[TopicPartition, int]:
    """The first offset of each partition whose record is not older than `since`; the end when there is none."""
    # `consumer.topics()` asks for the same and keeps only the names
    cluster = await consumer._client.fetch_all_metadata()  # noqa: SLF001
    partitions = [TopicPartition(topic, p) for p in sorted(cluster.partitions_for_topic(topic) or ())]
    if not partitions:
        raise Retryable(f"Kafka has no topic {topic}; run `deskstream topics create`")
    at = max(int(since.timestamp() * 1000), 0)
    found = await consumer.offsets_for_times(dict.fromkeys(partitions, at))
    ends = await consumer.end_offsets(partitions)
    return {tp: found[tp].offset if found.get(tp) else ends[tp] for tp in partitions}
