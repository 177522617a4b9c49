"""Topics in memory: what stands on each partition, and who hears of news."""

import asyncio
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from bus.batches import placed
from bus.errors import Retryable
from bus.record import Outgoing, Partition, Position, Received
from bus.topics import Topic, topics


@dataclass(slots=True)
class Log:
    """One partition: what stands on it by offset; None is a transaction's marker, as Kafka has them."""

    entries: list[Received | None] = field(default_factory=list)
    begin: int = 0

    def after(self, offset: int) -> Iterable[Received]:
        """The records from this offset on."""
        return (record for record in self.entries[max(offset, self.begin) :] if record is not None)


class MemoryTopics:
    """All topics. `reachable` False: as if Kafka were down."""

    def __init__(self, table: Iterable[Topic] = topics()) -> None:
        self.reachable = True
        self.logs: dict[str, list[Log]] = {}
        self.news = asyncio.Event()
        for topic in table:
            self.create(topic.name, topic.partitions)

    def create(self, topic: str, partitions: int = 1) -> None:
        """Make a topic, or leave it as it is."""
        self.logs.setdefault(topic, [Log() for _ in range(partitions)])

    def records(self, topic: str) -> list[Received]:
        """Everything on a topic, partition by partition."""
        return [record for log in self.logs[topic] for record in log.after(0)]

    def latest(self, topic: str) -> dict[str, Received]:
        """The last record of each key that is not deleted."""
        found: dict[str, Received] = {}
        for record in self.records(topic):
            if record.key is not None:
                found.pop(record.key, None)
                if record.value is not None:
                    found[record.key] = record
        return found

    def remove_before(self, where: Partition, offset: int) -> None:
        """What retention does."""
        self.logs[where.topic][where.partition].begin = offset

    def ask(self) -> None:
        """Raise Retryable when unreachable."""
        if not self.reachable:
            raise Retryable("Kafka: unreachable")

    def places(self, records: Sequence[Outgoing]) -> list[Partition]:
        """Where each record goes. Raises Retryable for a missing topic, Invalid for a missing partition."""
        counts = {topic: len(logs) for topic, logs in self.logs.items()}
        return [placed(record, counts) for record in records]

    def append(self, records: Sequence[Outgoing], places: Sequence[Partition]) -> list[Position]:
        """Put records where they belong and wake the readers."""
        positions: list[Position] = []
        for record, where in zip(records, places, strict=True):
            log = self.logs[where.topic][where.partition]
            position = Position(*where, len(log.entries))
            now = int(time.time() * 1000)
            log.entries.append(Received(*position, record.key, record.value, now, dict(record.headers)))
            positions.append(position)
        self.wake()
        return positions

    def wake(self) -> None:
        """Tell everybody who waits for records to look again."""
        news, self.news = self.news, asyncio.Event()
        news.set()
