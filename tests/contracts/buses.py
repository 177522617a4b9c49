"""The makings of a bus that the contract suite is held against: in memory, and on Kafka with PostgreSQL."""

import asyncio
import uuid
from collections.abc import Sequence
from typing import Protocol

from aiokafka import TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, RecordsToDelete
from sqlalchemy import MetaData
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

from bus.kafka_settings import KafkaSettings
from bus.latest import read_to_end
from bus.memory import MemoryBus, MemoryProgress
from bus.progress import FencedProgress, progress_table
from bus.publisher import KafkaPublisher, Publisher
from bus.reading import Progress, Source
from bus.record import Partition, Received
from bus.source import KafkaSource
from bus.topics import DEAD_LETTERS, SHARED, Topic, create_topics
from bus.transactions import KafkaTransactions, TransactionalPublisher


class Member(Progress, Protocol):
    """Progress of one member, with the work that its handler does beside it: none, but the progress is moved."""

    async def move(self, batch: Sequence[Received]) -> None: ...


class Bus(Protocol):
    """What the suite asks of a making."""

    async def topic(self, partitions: int = 1, *, name: str | None = None) -> str: ...

    async def publisher(self) -> Publisher: ...

    def transactions(self, transactional_id: str) -> TransactionalPublisher: ...

    def source(
        self, topics: Sequence[str], group: str, *, pattern: str | None = None, progress: Progress | None = None
    ) -> Source: ...

    def member(self, group: str) -> Member: ...

    async def everything(self, topic: str) -> list[Received]: ...

    async def remove_before(self, where: Partition, offset: int) -> None: ...

    async def close(self) -> None: ...


def unique(stem: str) -> str:
    """A name that no other test has."""
    return f"{stem}-{uuid.uuid4().hex[:12]}"


class _MemoryMember:
    def __init__(self, progress: MemoryProgress) -> None:
        self._progress = progress
        self.claim = progress.claim
        self.skip = progress.skip

    async def move(self, batch: Sequence[Received]) -> None:
        self._progress.move(batch)


class InMemory:
    """Bus in memory."""

    def __init__(self) -> None:
        self.bus = MemoryBus()
        self._stores: dict[str, dict[Partition, tuple[int, int | None]]] = {}

    async def topic(self, partitions: int = 1, *, name: str | None = None) -> str:
        name = name or unique("topic")
        self.bus.create(name, partitions)
        return name

    async def publisher(self) -> Publisher:
        return self.bus.publisher()

    def transactions(self, transactional_id: str) -> TransactionalPublisher:
        return self.bus.transactions(transactional_id)

    def source(
        self, topics: Sequence[str], group: str, *, pattern: str | None = None, progress: Progress | None = None
    ) -> Source:
        return self.bus.source(topics, group, pattern=pattern, progress=progress)

    def member(self, group: str) -> Member:
        return _MemoryMember(MemoryProgress(self._stores.setdefault(group, {})))

    async def everything(self, topic: str) -> list[Received]:
        return self.bus.records(topic)

    async def remove_before(self, where: Partition, offset: int) -> None:
        self.bus.remove_before(where, offset)

    async def close(self) -> None:
        """Nothing is left behind."""


class _KafkaMember:
    def __init__(self, engine: AsyncEngine, progress: FencedProgress) -> None:
        self._engine = engine
        self._progress = progress
        self.claim = progress.claim
        self.skip = progress.skip

    async def move(self, batch: Sequence[Received]) -> None:
        async with self._engine.begin() as connection:
            await self._progress.move(connection, batch)


class OnKafka:
    """Bus on a running Kafka, progress in a database of its own."""

    def __init__(self, kafka: str, database: str) -> None:
        self.kafka = KafkaSettings(servers=kafka)
        self.engine = create_async_engine(database)
        self.metadata = MetaData()
        self.table = progress_table(self.metadata)
        self._publishers: list[KafkaPublisher] = []

    async def open(self) -> None:
        """Make what every test needs."""
        async with self.engine.begin() as connection:
            await connection.run_sync(self.metadata.create_all)
        await create_topics(self.kafka, [topic for topic in SHARED if topic.name == DEAD_LETTERS])

    async def topic(self, partitions: int = 1, *, name: str | None = None) -> str:
        name = name or unique("topic")
        await create_topics(self.kafka, [Topic(name, "key", partitions, ())])
        return name

    async def publisher(self) -> Publisher:
        publisher = KafkaPublisher(self.kafka)
        await publisher.start()
        self._publishers.append(publisher)
        return publisher

    def transactions(self, transactional_id: str) -> TransactionalPublisher:
        return KafkaTransactions(self.kafka, transactional_id)

    def source(
        self, topics: Sequence[str], group: str, *, pattern: str | None = None, progress: Progress | None = None
    ) -> Source:
        return KafkaSource(self.kafka, topics, group, pattern=pattern, progress=progress)

    def member(self, group: str, cluster: str = "one") -> Member:
        return _KafkaMember(self.engine, FencedProgress(self.engine, self.table, group, cluster))

    async def everything(self, topic: str) -> list[Received]:
        return [record async for record in read_to_end(self.kafka, [topic])]

    async def remove_before(self, where: Partition, offset: int) -> None:
        admin = AIOKafkaAdminClient(**self.kafka.client_options())
        await admin.start()
        try:
            await admin.delete_records({TopicPartition(*where): RecordsToDelete(before_offset=offset)})
        finally:
            await admin.close()

    async def close(self) -> None:
        """End everything."""
        await asyncio.gather(*(publisher.stop() for publisher in self._publishers))
        await self.engine.dispose()
