"""What every bus has to do: the MUSTs of Publisher, TransactionalPublisher and Source.

A test module subclasses these with a fixture `bus` (tests.contracts.buses.Bus).
"""

import asyncio
from collections import defaultdict
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

import pytest

from bus.errors import Fenced, Invalid, Retryable
from bus.reading import OffsetLost, Source
from bus.record import Outgoing, Partition, Received
from bus.topics import MAX_RECORD_BYTES
from tests.contracts.buses import Bus, unique

PATIENCE = 30.0


def numbered(topic: str, count: int, *, key: str | None = None, start: int = 0) -> list[Outgoing]:
    """Records whose values count."""
    return [Outgoing(topic, key or f"k{n}", str(n).encode()) for n in range(start, start + count)]


def numbers(records: Sequence[Received]) -> list[int]:
    """What they count."""
    return [int(record.value or b"-1") for record in records]


async def take(source: Source, count: int) -> list[Received]:
    """So many records, not settled."""
    found: list[Received] = []
    async with asyncio.timeout(PATIENCE):
        while len(found) < count:
            found += await source.poll()
    return found


async def nothing_comes(source: Source) -> bool:
    """Whether a few looks find nothing."""
    return not [record for _ in range(4) for record in await source.poll()]


@asynccontextmanager
async def joined(source: Source) -> AsyncIterator[Source]:
    """A member of its group for the time."""
    await source.start()
    try:
        yield source
    finally:
        await source.stop()


class PublisherContract:
    """Publisher."""

    async def test_says_where_each_record_stands(self, bus: Bus) -> None:
        topic, publisher = await bus.topic(3), await bus.publisher()
        positions = await publisher.publish(numbered(topic, 50))
        standing = {record.position: record.value for record in await bus.everything(topic)}
        assert [standing[position] for position in positions] == [str(n).encode() for n in range(50)]

    async def test_keeps_the_order_of_a_key_within_and_between_calls(self, bus: Bus) -> None:
        topic, publisher = await bus.topic(3), await bus.publisher()
        for start in range(0, 100, 10):
            await publisher.publish(numbered(topic, 10, key="one", start=start))
        assert numbers(await bus.everything(topic)) == list(range(100))

    async def test_many_at_once_each_get_their_own_places(self, bus: Bus) -> None:
        topic, publisher = await bus.topic(3), await bus.publisher()
        calls = [publisher.publish(numbered(topic, 3, start=10 * n)) for n in range(40)]
        found = await asyncio.gather(*calls)
        standing = {record.position: int(record.value or b"") for record in await bus.everything(topic)}
        assert [[standing[p] for p in positions] for positions in found] == [
            [10 * n, 10 * n + 1, 10 * n + 2] for n in range(40)
        ]

    async def test_an_oversized_record_is_invalid_and_nothing_of_the_call_is_published(self, bus: Bus) -> None:
        topic, publisher = await bus.topic(), await bus.publisher()
        for big in (
            Outgoing(topic, "k", b"x" * MAX_RECORD_BYTES),
            Outgoing(topic, "k", b"x", (("h", b"x" * MAX_RECORD_BYTES),)),
            Outgoing(topic, "k" * MAX_RECORD_BYTES, b"x"),
        ):
            with pytest.raises(Invalid):
                await publisher.publish([*numbered(topic, 1), big])
        assert await bus.everything(topic) == []

    async def test_the_largest_record_is_published(self, bus: Bus) -> None:
        topic, publisher = await bus.topic(), await bus.publisher()
        largest = bytes(range(256)) * ((MAX_RECORD_BYTES - 20 * 1024) // 256)
        await publisher.publish([Outgoing(topic, "k", largest), Outgoing(topic, "k", largest)])
        assert [record.value for record in await bus.everything(topic)] == [largest, largest]

    async def test_a_missing_topic_is_retryable_and_harms_no_other_call(self, bus: Bus) -> None:
        topic, publisher = await bus.topic(), await bus.publisher()
        bad, good = await asyncio.gather(
            publisher.publish([*numbered(topic, 1, start=100), *numbered(unique("absent"), 1)]),
            publisher.publish(numbered(topic, 2)),
            return_exceptions=True,
        )
        assert isinstance(bad, Retryable)
        assert "topics create" in str(bad)
        assert not isinstance(good, BaseException)
        assert numbers(await bus.everything(topic)) == [0, 1]

    async def test_a_named_partition_is_taken_and_one_that_is_not_there_is_invalid(self, bus: Bus) -> None:
        topic, publisher = await bus.topic(3), await bus.publisher()
        (position,) = await publisher.publish([Outgoing(topic, "k", b"0", partition=2)])
        assert position.partition == 2
        with pytest.raises(Invalid):
            await publisher.publish([Outgoing(topic, "k", b"1", partition=3)])

    async def test_headers_tombstones_and_missing_keys_travel(self, bus: Bus) -> None:
        topic, publisher = await bus.topic(), await bus.publisher()
        await publisher.publish(
            [Outgoing(topic, "k", b"v", (("ce_id", b"1"), ("x", b"\xff"))), Outgoing(topic, "k", None)]
        )
        await publisher.publish([Outgoing(topic, None, b"keyless")])
        first, second, third = await bus.everything(topic)
        assert dict(first.headers) == {"ce_id": b"1", "x": b"\xff"}
        assert (second.key, second.value) == ("k", None)
        assert (third.key, third.value) == (None, b"keyless")


class TransactionsContract:
    """TransactionalPublisher."""

    async def test_all_records_of_a_call_are_visible(self, bus: Bus) -> None:
        one, other, transactions = await bus.topic(3), await bus.topic(), bus.transactions(unique("tx"))
        await transactions.start()
        for start in (0, 20):
            await transactions.publish([*numbered(one, 20, start=start, key="k"), *numbered(other, 2, start=start)])
        await transactions.stop()
        assert numbers(await bus.everything(one)) == list(range(40))
        assert sorted(numbers(await bus.everything(other))) == [0, 1, 20, 21]

    async def test_none_of_a_call_that_cannot_be(self, bus: Bus) -> None:
        topic, transactions = await bus.topic(), bus.transactions(unique("tx"))
        await transactions.start()
        with pytest.raises(Invalid):
            await transactions.publish([*numbered(topic, 1), Outgoing(topic, "k", b"x" * MAX_RECORD_BYTES)])
        with pytest.raises(Invalid):
            await transactions.publish([*numbered(topic, 1), Outgoing(topic, "k", b"x", partition=7)])
        with pytest.raises(Retryable):
            await transactions.publish([*numbered(topic, 1), *numbered(unique("absent"), 1)])
        await transactions.publish(numbered(topic, 1, start=9))  # it is not spent
        await transactions.stop()
        assert numbers(await bus.everything(topic)) == [9]

    async def test_the_newest_holder_fences_every_earlier_one(self, bus: Bus) -> None:
        topic, name = await bus.topic(), unique("tx")
        old, new = bus.transactions(name), bus.transactions(name)
        await old.start()
        await old.publish(numbered(topic, 1))
        await new.start()
        with pytest.raises(Fenced):
            await old.publish(numbered(topic, 1, start=50))
        with pytest.raises(Retryable):
            await old.publish(numbered(topic, 1, start=60))
        await new.publish(numbered(topic, 1, start=1))
        await old.stop()
        await new.stop()
        assert numbers(await bus.everything(topic)) == [0, 1]


class SourceContract:
    """Source."""

    async def test_everything_comes_once_and_in_order_of_each_partition(self, bus: Bus) -> None:
        topic, publisher = await bus.topic(3), await bus.publisher()
        await publisher.publish(numbered(topic, 300))
        async with joined(bus.source([topic], unique("group"))) as source:
            found = await take(source, 300)
            assert await nothing_comes(source)
        by_partition: dict[int, list[int]] = defaultdict(list)
        for record in found:
            by_partition[record.partition].append(record.offset)
        assert len(by_partition) == 3
        assert all(offsets == list(range(len(offsets))) for offsets in by_partition.values())

    async def test_goes_on_after_what_was_settled_and_repeats_what_was_not(self, bus: Bus) -> None:
        topic, publisher, group = await bus.topic(), await bus.publisher(), unique("group")
        await publisher.publish(numbered(topic, 10))
        async with joined(bus.source([topic], group)) as source:
            found = await take(source, 10)
            await source.settled(found[:4])
        async with joined(bus.source([topic], group)) as source:
            assert numbers(await take(source, 6)) == list(range(4, 10))
            assert await nothing_comes(source)

    async def test_rejoining_repeats_what_was_not_settled(self, bus: Bus) -> None:
        topic, publisher = await bus.topic(), await bus.publisher()
        await publisher.publish(numbered(topic, 3))
        async with joined(bus.source([topic], unique("group"))) as source:
            await take(source, 3)
            await source.rejoin()
            assert numbers(await take(source, 3)) == [0, 1, 2]

    async def test_members_share_the_partitions(self, bus: Bus) -> None:
        topic, publisher, group = await bus.topic(4), await bus.publisher(), unique("group")
        async with joined(bus.source([topic], group)) as one, joined(bus.source([topic], group)) as other:
            found: dict[str, list[Received]] = {"one": [], "other": []}

            async def read(name: str, source: Source) -> None:
                while sum(map(len, found.values())) < 200:
                    batch = await source.poll()
                    async with source.busy:
                        found[name] += batch
                        await source.settled(batch)

            async with asyncio.timeout(PATIENCE):
                readers = asyncio.gather(read("one", one), read("other", other))
                while not (  # what is waited for has no event
                    getattr(one, "assignment", 0) and getattr(other, "assignment", 0)
                ):
                    await asyncio.sleep(0.02)
                await publisher.publish(numbered(topic, 200))
                await readers
        assert sorted(numbers(found["one"] + found["other"])) == list(range(200))
        assert {r.partition for r in found["one"]}.isdisjoint({r.partition for r in found["other"]})
        assert found["one"]
        assert found["other"]

    async def test_a_partition_is_not_given_away_while_a_batch_is_in_hand(self, bus: Bus) -> None:
        topic, publisher, group = await bus.topic(), await bus.publisher(), unique("group")
        await publisher.publish(numbered(topic, 1))
        first, second = bus.source([topic], group), bus.source([topic], group)
        seen: list[int] = []

        async def read(source: Source, quiet: asyncio.Event) -> None:
            while not quiet.is_set():
                batch = await source.poll()
                async with source.busy:
                    seen.extend(numbers(batch))
                    await source.settled(batch)

        await first.start()
        batch = await take(first, 1)
        done = asyncio.Event()
        async with first.busy:
            joining = asyncio.create_task(second.start())
            await asyncio.sleep(4.5)  # longer than Kafka takes to tell a member of a rebalance
            assert not seen
            await first.settled(batch)
        reading = asyncio.gather(read(first, done), joining)
        await asyncio.wait({joining}, timeout=PATIENCE)
        reading_too = asyncio.create_task(read(second, done))
        await publisher.publish(numbered(topic, 1, start=1))
        async with asyncio.timeout(PATIENCE):
            while not seen:
                await asyncio.sleep(0.02)
        done.set()
        await asyncio.gather(reading, reading_too)
        await first.stop()
        await second.stop()
        assert seen == [1]  # the settled one never came again

    async def test_settling_what_has_moved_is_not_fatal(self, bus: Bus) -> None:
        topic, publisher, group = await bus.topic(), await bus.publisher(), unique("group")
        await publisher.publish(numbered(topic, 2))
        async with joined(bus.source([topic], group)) as source:
            batch = await take(source, 2)
            await source.rejoin()
            await source.settled(batch)
            assert numbers(await take(source, 2)) == [0, 1]
        await source.settled(batch)

    async def test_progress_is_the_truth_not_what_was_settled(self, bus: Bus) -> None:
        topic, publisher, group = await bus.topic(), await bus.publisher(), unique("group")
        await publisher.publish(numbered(topic, 10))
        member = bus.member(group)
        async with joined(bus.source([topic], group, progress=member)) as source:
            found = await take(source, 10)
            assert numbers(found) == list(range(10))
            await member.move(found[:3])
            await source.settled(found)
        async with joined(bus.source([topic], group, progress=bus.member(group))) as source:
            assert numbers(await take(source, 7)) == list(range(3, 10))

    async def test_a_zombie_is_fenced_by_the_next_owner(self, bus: Bus) -> None:
        topic, publisher, group = await bus.topic(2), await bus.publisher(), unique("group")
        await publisher.publish(numbered(topic, 8))
        zombie, heir = bus.member(group), bus.member(group)
        async with joined(bus.source([topic], group, progress=zombie)) as source:
            found = await take(source, 8)
            await zombie.move(found[:1])
            await heir.claim([Partition(topic, 0), Partition(topic, 1)])
            for late in (found, found[1:2]):
                with pytest.raises(Fenced):
                    await zombie.move(late)
            await source.rejoin()
            again = await take(source, 7)
            assert found[0].position not in [record.position for record in again]
            await zombie.move(again)
        with pytest.raises(Fenced):
            await heir.skip(found[0])

    async def test_what_retention_removed_before_it_was_read_stops_loudly(self, bus: Bus) -> None:
        topic, publisher, group = await bus.topic(), await bus.publisher(), unique("group")
        await publisher.publish(numbered(topic, 6))
        member = bus.member(group)
        async with joined(bus.source([topic], group, progress=member)) as source:
            await member.move((await take(source, 6))[:2])
        await bus.remove_before(Partition(topic, 0), 4)
        async with joined(bus.source([topic], group, progress=bus.member(group))) as source:
            with pytest.raises(OffsetLost, match=topic):
                await take(source, 1)

    async def test_a_new_group_begins_where_the_log_begins(self, bus: Bus) -> None:
        topic, publisher, group = await bus.topic(), await bus.publisher(), unique("group")
        await publisher.publish(numbered(topic, 6))
        await bus.remove_before(Partition(topic, 0), 4)
        async with joined(bus.source([topic], group, progress=bus.member(group))) as source:
            assert numbers(await take(source, 2)) == [4, 5]

    async def test_a_pattern_means_whole_names_and_topics_to_come(self, bus: Bus) -> None:
        stem, publisher = unique("p"), await bus.publisher()
        for name in ("a", "a.b", "xa"):
            await publisher.publish(numbered(await bus.topic(name=f"{stem}.{name}"), 1))
        async with joined(bus.source([], unique("group"), pattern=rf"{stem}\.[ac]")) as source:
            assert [r.topic for r in await take(source, 1)] == [f"{stem}.a"]
            await publisher.publish(numbered(await bus.topic(name=f"{stem}.c"), 1))
            seen = {record.topic for record in await take(source, 1)}
            while f"{stem}.c" not in seen:  # what was not settled may come again when the group changes
                seen |= {record.topic for record in await take(source, 1)}
        assert seen <= {f"{stem}.a", f"{stem}.c"}
