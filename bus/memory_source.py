"""Source in memory, with groups that share partitions as Kafka's do: all are revoked, then dealt out anew."""

import asyncio
import re
from collections.abc import Sequence
from dataclasses import dataclass, field

from bus.errors import Retryable
from bus.memory_topics import Log, MemoryTopics
from bus.reading import OffsetLost, Progress
from bus.record import Partition, Received

_WAIT = 0.05


@dataclass(slots=True)
class Group:
    """The members of a group, and what they have settled."""

    members: "list[MemorySource]" = field(default_factory=list)
    committed: dict[Partition, int] = field(default_factory=dict)
    changing: asyncio.Lock = field(default_factory=asyncio.Lock)

    async def change(self, members: "list[MemorySource]") -> None:
        """Take everything from the old members, then deal it out to the new ones, round robin."""
        async with self.changing:
            await asyncio.gather(*(member.revoke() for member in self.members))
            self.members = members
            wanted = sorted({where for member in members for where in member.wanted()})
            shares: dict[int, list[Partition]] = {at: [] for at in range(len(members))}
            for n, where in enumerate(wanted):
                takers = [at for at, member in enumerate(members) if where in member.wanted()]
                shares[takers[n % len(takers)]].append(where)
            for at, member in enumerate(members):
                member.assign(shares[at])


class MemorySource:
    """Source (bus.reading) in memory; made by MemoryBus.source."""

    def __init__(
        self,
        bus: MemoryTopics,
        names: Sequence[str],
        group: Group,
        *,
        pattern: str | None,
        progress: Progress | None,
        max_records: int,
        revoke_patience: float,
    ) -> None:
        assert bool(names) != bool(pattern), "topics or a pattern"
        self.busy = asyncio.Lock()
        self._bus = bus
        self._names = names
        self._group = group
        self._pattern = pattern
        self._progress = progress
        self._max_records = max_records
        self._revoke_patience = revoke_patience
        self._next: dict[Partition, int] = {}
        self._unclaimed: frozenset[Partition] = frozenset()
        self._dealt: frozenset[Partition] = frozenset()

    @property
    def assignment(self) -> frozenset[Partition]:
        """The partitions it owns now."""
        return frozenset(self._next)

    def wanted(self) -> list[Partition]:
        """The partitions of the topics it reads."""
        names = self._names or [name for name in self._bus.logs if re.fullmatch(self._pattern or "", name)]
        return [Partition(name, n) for name in names for n in range(len(self._bus.logs[name]))]

    async def start(self) -> None:
        """Join the group."""
        self._bus.ask()
        for name in self._names:
            if name not in self._bus.logs:
                raise Retryable(f"Kafka has no topic {name}; run `deskstream topics create`")
        await self._group.change([*self._group.members, self])

    async def revoke(self) -> None:
        """The group takes everything back, once the batch in hand is settled (bounded)."""
        try:
            async with asyncio.timeout(self._revoke_patience):
                await self.busy.acquire()
        except TimeoutError:
            pass
        else:
            self.busy.release()
        self._next, self._unclaimed = {}, frozenset()

    def assign(self, share: Sequence[Partition]) -> None:
        """The group gives this member its share."""
        self._dealt = frozenset(share)
        if self._progress is None:
            self._next = {where: self._group.committed.get(where, self._begin(where)) for where in share}
        else:
            self._unclaimed = frozenset(share)

    async def _claim(self, progress: Progress) -> None:
        async with self.busy:
            wanted = self._unclaimed
            claimed = await progress.claim(wanted)
            if wanted is self._unclaimed:
                self._next = {where: offset for where, offset in claimed.items() if offset is not None}
                self._next |= {where: self._begin(where) for where in wanted - self._next.keys()}
                self._unclaimed = frozenset()

    async def poll(self) -> Sequence[Received]:
        """The next records; empty when there are none for a moment. Raises Retryable or OffsetLost."""
        if self not in self._group.members:
            raise Retryable("the consumer has stopped")
        if self._pattern and {where for member in self._group.members for where in member.wanted()} != {
            where for member in self._group.members for where in member.dealt
        }:
            await self._group.change(self._group.members)  # a topic has come
        if self._unclaimed and self._progress is not None:
            await self._claim(self._progress)
        news = self._bus.news
        if not (batch := self._take()):
            try:
                async with asyncio.timeout(_WAIT):
                    await news.wait()
            except TimeoutError:
                return []
            batch = self._take()
        return batch

    @property
    def dealt(self) -> frozenset[Partition]:
        """Its share of the group's partitions, claimed or not."""
        return self._dealt

    def _take(self) -> list[Received]:
        if not self._bus.reachable:
            return []
        batch: list[Received] = []
        for where in sorted(self._next):
            if self._next[where] < self._begin(where):
                if self._progress is not None:
                    raise OffsetLost(f"{where.topic}/{where.partition}: offset {self._next[where]} has been removed")
                self._next[where] = self._begin(where)
            for record in self._log(where).after(self._next[where]):
                if len(batch) == self._max_records:
                    return batch
                batch.append(record)
                self._next[where] = record.offset + 1
        return batch

    async def settled(self, batch: Sequence[Received]) -> None:
        """Remember for the group what has taken effect."""
        for record in batch:
            if record.offset < self._next.get(record.source, -1):
                self._group.committed[record.source] = record.offset + 1

    async def rejoin(self) -> None:
        """Leave the group and join again."""
        await self.stop()
        await self.start()

    async def stop(self) -> None:
        """Leave the group."""
        if self in self._group.members:
            await self._group.change([member for member in self._group.members if member is not self])
        self._next, self._unclaimed, self._dealt = {}, frozenset(), frozenset()

    def _log(self, where: Partition) -> Log:
        return self._bus.logs[where.topic][where.partition]

    def _begin(self, where: Partition) -> int:
        return self._log(where).begin
