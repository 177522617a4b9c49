"""Who polls: of all processes that host a connector, the one that holds `connectors.control` in its `.poll` group.

Two that poll at once would lose nothing (ids make repeats harmless) but ask, pay and mark twice.
"""

import asyncio
from collections.abc import Awaitable, Callable, Collection
from typing import Protocol

import structlog
from aiokafka import AIOKafkaConsumer, ConsumerRebalanceListener, TopicPartition

from bus.closing import KAFKA_ERRORS, end_consumer, kafka_error
from bus.kafka_settings import KafkaSettings
from bus.reading import consumer_options
from bus.topics import CONTROL
from ingest.source_state import SourceState

log = structlog.get_logger()

_LETTING_GO = 40.0
"""Seconds that others wait for our turn to end; less than the group's patience with a rebalance (60 s)."""


class Tenure(Protocol):
    """`keep` runs `work` while this process is the one that polls, and from the beginning whenever it becomes so.

    MUST cancel `work` and await its end, for a bounded time, before another may begin; MUST raise what `work` raises,
    and Retryable when it cannot know whether it is the one. Goes on until it is cancelled.
    """

    async def keep(self, work: Callable[[], Awaitable[None]]) -> None: ...


class Unshared:
    """Tenure where nobody else can poll."""

    async def keep(self, work: Callable[[], Awaitable[None]]) -> None:
        """See Tenure."""
        await work()


class KafkaTenure:
    """Tenure by Kafka's group membership."""

    def __init__(self, kafka: KafkaSettings, connector: str, source: SourceState) -> None:
        self._kafka = kafka
        self._group = f"deskstream.{connector}.poll"
        self._connector = connector
        self._source = source

    async def keep(self, work: Callable[[], Awaitable[None]]) -> None:
        """See Tenure."""
        self._source.polls = False
        consumer = AIOKafkaConsumer(**consumer_options(self._kafka, self._group, own_progress=False))
        turns = _Turns(consumer)
        consumer.subscribe(topics=[CONTROL], listener=turns)
        pumping: asyncio.Task[None] | None = None
        try:
            await consumer.start()
            pumping = asyncio.create_task(_pump(consumer))
            while True:
                await _first(turns.held, pumping)
                await self._turn(work, turns, pumping)
        except KAFKA_ERRORS as error:
            raise kafka_error(error) from error
        finally:
            turns.end()
            if pumping is not None:
                pumping.cancel()
                await asyncio.gather(pumping, return_exceptions=True)
            await end_consumer(consumer)

    async def _turn(self, work: Callable[[], Awaitable[None]], turns: "_Turns", pumping: "asyncio.Task[None]") -> None:
        log.info("polling.begins", connector=self._connector)
        self._source.polls = True
        working = asyncio.ensure_future(work())
        taken = asyncio.create_task(turns.taken.wait())
        try:
            await asyncio.wait({working, taken, pumping}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            self._source.polls = False
            taken.cancel()
            ended = working.done()
            working.cancel()
            await asyncio.gather(working, return_exceptions=True)
            turns.let_go()
            log.info("polling.ends", connector=self._connector)
        if ended:
            await working


class _Turns(ConsumerRebalanceListener):  # type: ignore[misc]  # aiokafka publishes no types
    """The group's listener."""

    def __init__(self, consumer: AIOKafkaConsumer) -> None:
        self._consumer = consumer
        self._ended = False
        self._idle = asyncio.Event()
        self._idle.set()
        self.held = asyncio.Event()
        self.taken = asyncio.Event()

    def let_go(self) -> None:
        """The turn's work has ended."""
        self._idle.set()

    def end(self) -> None:
        """No turn comes any more."""
        self._ended = True
        self._idle.set()

    async def on_partitions_revoked(self, revoked: Collection[TopicPartition]) -> None:  # noqa: ARG002  # its form
        """Others wait until the turn has ended, or for as long as they can."""
        self.held.clear()
        self.taken.set()
        try:
            async with asyncio.timeout(_LETTING_GO):
                await self._idle.wait()
        except TimeoutError:
            log.warning("polling.overlaps")

    async def on_partitions_assigned(self, assigned: Collection[TopicPartition]) -> None:
        """The records themselves are read elsewhere (ingest.steering)."""
        if not assigned or self._ended:
            return
        self._consumer.pause(*assigned)
        self.taken.clear()
        self._idle.clear()
        self.held.set()


async def _pump(consumer: AIOKafkaConsumer) -> None:
    """The group goes on only while somebody asks for records."""
    while True:
        await consumer.getmany(timeout_ms=500)


async def _first(event: asyncio.Event, pumping: "asyncio.Task[None]") -> None:
    waiting = asyncio.create_task(event.wait())
    try:
        await asyncio.wait({waiting, pumping}, return_when=asyncio.FIRST_COMPLETED)
        if pumping.done():
            await pumping
    finally:
        waiting.cancel()
