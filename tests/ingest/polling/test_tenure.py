"""Of several processes that host a poller one polls, and another takes over when it goes."""

import asyncio
import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from bus.errors import ConfigError
from bus.kafka_settings import KafkaSettings
from bus.topics import create_topics, topics
from ingest.source_state import SourceState
from ingest.tenure import KafkaTenure
from tests.conftest import Stack

pytestmark = pytest.mark.stack


class Host:
    """A process, as far as polling goes; `polling` is kept by all of them together."""

    def __init__(self, kafka: KafkaSettings, connector: str, polling: set["Host"]) -> None:
        self.source = SourceState()
        self._tenure = KafkaTenure(kafka, connector, self.source)
        self._polling = polling
        self.turns = 0

    async def _work(self) -> None:
        assert not self._polling, "two poll at once"
        self._polling.add(self)
        self.turns += 1
        try:
            await asyncio.Event().wait()
        finally:
            await asyncio.sleep(0.05)  # what is under way comes to its end
            self._polling.discard(self)

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        task = asyncio.create_task(self._tenure.keep(self._work))
        try:
            yield
        finally:
            assert not task.done(), task.result()
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)


@pytest.fixture
async def kafka(stack: Stack) -> KafkaSettings:
    settings = KafkaSettings(servers=stack.kafka)
    await create_topics(settings, topics())
    return settings


async def _until_one_polls(polling: set[Host], but: Host | None = None) -> Host:
    async with asyncio.timeout(60):
        while not polling - {but}:  # Kafka tells only the members
            await asyncio.sleep(0.01)
    (one,) = polling
    return one


async def test_one_polls_and_when_it_goes_another_does(kafka: KafkaSettings) -> None:
    polling: set[Host] = set()
    first, second = (Host(kafka, name, polling) for name in [f"mail-{uuid.uuid4().hex}"] * 2)
    async with second.running():
        async with first.running():
            await _until_one_polls(polling)
            await asyncio.wait_for(_both_know(first, second), 60)
            assert len(polling) == 1
            assert [first.source.polls, second.source.polls].count(True) == 1
        await _until_one_polls(polling, but=first)
        assert second.source.polls is True
    assert not polling


async def _both_know(first: Host, second: Host) -> None:
    while {first.source.polls, second.source.polls} != {True, False}:  # as above
        await asyncio.sleep(0.01)


async def test_what_the_work_raises_comes_out(kafka: KafkaSettings) -> None:
    async def work() -> None:
        await asyncio.sleep(0)
        raise ConfigError("this can never work")

    with pytest.raises(ConfigError, match="never work"):
        await asyncio.wait_for(KafkaTenure(kafka, uuid.uuid4().hex, SourceState()).keep(work), 60)
