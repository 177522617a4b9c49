"""What a poll has fetched stays in hand, whatever becomes of its second look."""

import uuid
from typing import Any

import pytest

from bus.kafka_settings import KafkaSettings
from bus.publisher import KafkaPublisher
from bus.record import Outgoing
from bus.source import KafkaSource
from bus.topics import Topic, create_topics
from tests.conftest import Stack


@pytest.mark.stack
async def test_what_was_fetched_outlives_a_second_look_that_fails(stack: Stack) -> None:
    kafka = KafkaSettings(servers=stack.kafka)
    topic = f"since-{uuid.uuid4().hex[:12]}"
    await create_topics(kafka, [Topic(topic, "key", 1, ())])
    publisher, source = KafkaPublisher(kafka), KafkaSource(kafka, [topic], f"group-{topic}")
    await publisher.start()
    try:
        await source.start()
        while not source.joined:
            await source.poll()
        consumer: Any = source._consumer
        getmany, asked = consumer.getmany, 0

        async def failing(*, timeout_ms: int, max_records: int) -> Any:  # noqa: ANN401  # aiokafka publishes no types
            nonlocal asked
            if timeout_ms < 500:
                asked += 1
                raise TimeoutError
            return await getmany(timeout_ms=timeout_ms, max_records=max_records)

        consumer.getmany = failing
        await publisher.publish([Outgoing(topic, "k", b"%d" % n) for n in range(5)])
        seen: list[bytes | None] = []
        for _ in range(20):
            seen += [record.value for record in await source.poll()]
            if len(seen) >= 5:
                break
        assert seen == [b"%d" % n for n in range(5)]
        assert asked
    finally:
        await source.stop()
        await publisher.stop()
