"""Fetches gather under load, and only then."""

import uuid
from typing import Any

import pytest
from aiokafka.client import AIOKafkaClient
from aiokafka.protocol.fetch import FetchRequest

from bus.gathering import Gathering
from bus.kafka_settings import KafkaSettings
from bus.publisher import KafkaPublisher
from bus.record import Outgoing
from bus.source import KafkaSource
from bus.topics import Topic, create_topics
from tests.conftest import Stack


class Clock:
    """Time that passes when told to."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def _at(rate: float, *, most_ms: int = 60, polls_a_second: int = 40) -> int:
    clock = Clock()
    gathering, waits = Gathering(most_ms, clock=clock), 0
    for _ in range(10 * polls_a_second):
        clock.now += 1 / polls_a_second
        waits = gathering.after(round(rate / polls_a_second))
    return waits


@pytest.mark.parametrize(
    ("rate", "least", "most"), [(0, 0, 0), (40, 0, 0), (200, 0, 0), (600, 48, 60), (5_000, 60, 60)]
)
def test_waits_the_longer_the_more_comes(rate: float, least: int, most: int) -> None:
    assert least <= _at(rate) <= most


def test_forgets_a_burst() -> None:
    clock = Clock()
    gathering = Gathering(60, clock=clock)
    assert gathering.after(10_000) == 60
    clock.now += 10
    assert gathering.after(0) == 0


def test_zero_never_gathers() -> None:
    assert _at(5_000, most_ms=0) == 0


@pytest.mark.stack
async def test_the_broker_is_asked_to_gather_under_load_only(stack: Stack, monkeypatch: pytest.MonkeyPatch) -> None:
    kafka = KafkaSettings(servers=stack.kafka)
    topic = f"gathering-{uuid.uuid4().hex[:12]}"
    await create_topics(kafka, [Topic(topic, "key", 1, ())])
    asked: list[tuple[int, int]] = []
    send = AIOKafkaClient.send

    async def listening(client: AIOKafkaClient, node: int, request: Any, **more: Any) -> Any:  # noqa: ANN401
        if isinstance(request, FetchRequest):
            asked.append((request._min_bytes, request._max_wait_ms))
        return await send(client, node, request, **more)

    monkeypatch.setattr(AIOKafkaClient, "send", listening)
    source = KafkaSource(kafka, [topic], f"group-{topic}")
    publisher = KafkaPublisher(kafka)
    await publisher.start()
    try:
        await source.start()
        while not source.joined:
            await source.poll()
        await source.poll()
        assert {minimum for minimum, _ in asked} == {1}
        asked.clear()
        for _ in range(10):
            await publisher.publish([Outgoing(topic, "k", b"{}")] * 200)
            await source.poll()
        minimum, waits = asked[-1]
        assert minimum > 1
        assert waits <= 200
    finally:
        await source.stop()
        await publisher.stop()
