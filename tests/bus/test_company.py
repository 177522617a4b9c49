"""Callers of a publisher with a linger share requests; nobody waits longer than that, and a lone one not at all."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from typing import Any

import pytest

from bus.kafka_settings import KafkaSettings
from bus.publisher import KafkaPublisher
from bus.record import Outgoing

LINGER = 1.0
RECORD = Outgoing("topic", "key", b"value")


class Counting(KafkaPublisher):
    """Notes how many callers each request serves, and needs no Kafka for it."""

    def __init__(self) -> None:
        super().__init__(KafkaSettings(), linger=LINGER)
        self.served: list[int] = []

    async def _flush(self, calls: Sequence[Any]) -> None:
        self.served.append(len(calls))
        for call in calls:
            call.succeed()


@pytest.fixture
async def publisher() -> AsyncIterator[Counting]:
    """Started."""
    publisher = Counting()
    await publisher.start()
    yield publisher
    await publisher.stop()


async def come(publisher: Counting, callers: int, apart: float = 0.0) -> float:
    """So many callers, one after the other; how long until all are served."""
    loop = asyncio.get_running_loop()
    began = loop.time()

    async def call(n: int) -> None:
        await asyncio.sleep(n * apart)
        await publisher.publish([RECORD])

    await asyncio.gather(*(call(n) for n in range(callers)))
    return loop.time() - began


async def test_a_lone_caller_does_not_wait(publisher: Counting) -> None:
    assert max([await come(publisher, 1) for _ in range(5)]) < LINGER / 2
    assert publisher.served == [1] * 5


async def test_who_came_together_is_awaited_and_no_longer(publisher: Counting) -> None:
    await come(publisher, 4)
    assert await come(publisher, 4, apart=0.01) < LINGER
    assert publisher.served == [4, 4]


async def test_who_does_not_come_again_is_awaited_for_the_linger_and_then_forgotten(publisher: Counting) -> None:
    await come(publisher, 3)
    assert await come(publisher, 1) >= LINGER * 0.9
    assert await come(publisher, 1) >= LINGER * 0.9
    assert await come(publisher, 1) < LINGER / 2
    assert publisher.served == [3, 1, 1, 1]
