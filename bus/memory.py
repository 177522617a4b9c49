"""A bus in memory, for tests of what speaks through one; it passes the contract suite that Kafka passes.

bus = MemoryBus()
await bus.publisher().publish([...])
source = bus.source(["messages.email"], "group")
assert bus.records("tickets.events") == [...]
"""

import asyncio
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence

from bus.batches import check_sizes
from bus.errors import Fenced, Retryable
from bus.memory_source import Group, MemorySource
from bus.memory_topics import MemoryTopics
from bus.reading import Progress
from bus.record import Outgoing, Partition, Position, Received
from bus.topics import Topic, topics


class MemoryBus(MemoryTopics):
    """All topics, groups and transactional ids."""

    def __init__(self, table: Iterable[Topic] = topics()) -> None:
        super().__init__(table)
        self.groups: dict[str, Group] = defaultdict(Group)
        self.epochs: dict[str, int] = defaultdict(int)

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
