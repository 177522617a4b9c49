"""A bus in memory, for tests of what speaks through one; it passes the contract suite that Kafka passes.

bus = MemoryBus()
await bus.publisher().publish([...])
source = bus.source(["messages.email"], "group")
assert bus.records("tickets.events") == [...]
"""

import asyncio
import time
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from bus.batches import check_sizes, placed
from bus.errors import Fenced, Retryable
from bus.memory_source import Group, MemorySource
from bus.reading import Progress
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


class MemoryBus:
    """All topics, groups and transactional ids. `reachable` False: as if Kafka were down."""

    def __init__(self, table: Iterable[Topic] = topics()) -> None:
        self.reachable = True
        self.logs: dict[str, list[Log]] = {}
        self.groups: dict[str, Group] = defaultdict(Group)
        self.epochs: dict[str, int] = defaultdict(int)
        self.news = asyncio.Event()
        for topic in table:
            self.create(topic.name, topic.partitions)

    def create(self, topic: str, partitions: int = 1) -> None:
        """Make a topic, or leave it as it is."""
        self.logs.setdefault(topic, [Log() for _ in range(partitions)])

    def publisher(self) -> "MemoryPublisher":
        """A Publisher."""
        return MemoryPublisher(self)

    def transactions(self, transactional_id: str) -> "MemoryTransactions":
        """A TransactionalPublisher; the newest that was started holds the id."""
        return MemoryTransactions(self, transactional_id)

    def source(
        self,
        names: Sequence[str],
        group: str,
        *,
        pattern: str | None = None,
        progress: Progress | None = None,
        max_records: int = 1_000,
        revoke_patience: float = 20.0,
    ) -> MemorySource:
        """A Source, not yet started."""
        return MemorySource(
            self,
            names,
            self.groups[group],
            pattern=pattern,
            progress=progress,
            max_records=max_records,
            revoke_patience=revoke_patience,
        )

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


class MemoryPublisher:
    """Publisher (bus.publisher) in memory."""

    def __init__(self, bus: MemoryBus) -> None:
        self._bus = bus

    async def publish(self, records: Sequence[Outgoing]) -> Sequence[Position]:
        """See Publisher."""
        check_sizes(records)
        await asyncio.sleep(0)
        self._bus.ask()
        return self._bus.append(records, self._bus.places(records))


class MemoryTransactions:
    """TransactionalPublisher (bus.transactions) in memory."""

    def __init__(self, bus: MemoryBus, transactional_id: str) -> None:
        self._bus = bus
        self._id = transactional_id
        self._epoch: int | None = None

    async def start(self) -> None:
        """Take the transactional id."""
        self._bus.ask()
        self._bus.epochs[self._id] += 1
        self._epoch = self._bus.epochs[self._id]

    async def publish(self, records: Sequence[Outgoing]) -> None:
        """See TransactionalPublisher."""
        if not records:
            return
        check_sizes(records)
        await asyncio.sleep(0)
        if self._epoch is None:
            raise Retryable("the transactional producer has stopped")
        places = self._bus.places(records)
        if not self._bus.reachable:
            self._epoch = None
            self._bus.ask()
        if self._epoch != self._bus.epochs[self._id]:
            self._epoch = None
            raise Fenced("another process has taken this transactional id")
        self._bus.append(records, places)
        for where in set(places):
            self._bus.logs[where.topic][where.partition].entries.append(None)

    async def stop(self) -> None:
        """Close."""
        self._epoch = None


class MemoryProgress:
    """Progress (bus.reading) of one member; `store` is the table that the members of a group share."""

    def __init__(self, store: dict[Partition, tuple[int, int | None]]) -> None:
        self.store = store
        self._epochs: dict[Partition, int] = {}

    async def claim(self, partitions: Collection[Partition]) -> Mapping[Partition, int | None]:
        """Raise the epoch of each partition."""
        for where in partitions:
            epoch, offset = self.store.get(where, (0, None))
            self.store[where] = epoch + 1, offset
        self._epochs = {where: self.store[where][0] for where in partitions}
        return {where: self.store[where][1] for where in partitions}

    def move(self, batch: Sequence[Received]) -> None:
        """What the batch holds is done. Raises Fenced, with nothing moved, when another owns a partition."""
        for record in batch:
            if self.store.get(record.source, (0, None))[0] != self._epochs.get(record.source):
                raise Fenced("another member has taken over")
        for record in batch:
            self.store[record.source] = self._epochs[record.source], record.offset + 1

    async def skip(self, record: Received) -> None:
        """Move past a parked record."""
        self.move([record])
