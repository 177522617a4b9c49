"""What stands on `raw.email`, read once and as it comes."""

import asyncio
from collections import defaultdict
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from aiokafka import AIOKafkaConsumer

from bus.kafka_settings import KafkaSettings
from bus.raw import RawMessage
from bus.reading import consumer_options
from bus.topics import create_topics, topics


class RawTopic:
    """`mails[connector]`: in the order of each partition."""

    def __init__(self) -> None:
        self.mails: dict[str, list[RawMessage]] = defaultdict(list)

    async def read(self, consumer: AIOKafkaConsumer) -> None:
        """On and on."""
        async for record in consumer:
            raw = RawMessage.from_json(record.value)
            self.mails[raw.account].append(raw)


@asynccontextmanager
async def raw_topic(kafka: KafkaSettings) -> AsyncIterator[RawTopic]:
    """All that stands on it while inside."""
    await create_topics(kafka, topics())
    consumer = AIOKafkaConsumer("raw.email", **consumer_options(kafka, None, own_progress=False))
    await consumer.start()
    topic = RawTopic()
    reading = asyncio.create_task(topic.read(consumer))
    try:
        yield topic
    finally:
        reading.cancel()
        await asyncio.gather(reading, return_exceptions=True)
        await consumer.stop()
