"""What the consumer loop does on every bus: the table of bus.loop, line by line."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager

import pytest

from bus.dead_letter import DeadLetter, dead_letter_key
from bus.errors import Fenced, Invalid, Retryable
from bus.loop import BatchHandler, consume
from bus.parking import BudgetSpent, Parking
from bus.progress import ForeignCluster
from bus.record import Partition, Received
from bus.topics import DEAD_LETTERS
from tests.contracts.bus_contract import PATIENCE, numbered, numbers
from tests.contracts.buses import Bus, Member, unique


async def eventually(what: Callable[[], bool]) -> None:
    """Wait until it holds."""
    async with asyncio.timeout(PATIENCE):
        while not what():  # what is waited for has no event
            await asyncio.sleep(0.01)


@asynccontextmanager
async def consuming(
    bus: Bus, topic: str, group: str, handler: BatchHandler, *, member: Member | None = None, patience: float = 20.0
) -> AsyncIterator["asyncio.Task[None]"]:
    """The loop runs for the time; what it raises is raised at the end."""
    stop = asyncio.Event()
    parking = Parking(await bus.publisher(), unique("stage"))
    source = bus.source([topic], group, progress=member)
    task = asyncio.create_task(consume(source, handler, parking, progress=member, patience=patience, stop=stop))
    try:
        yield task
    finally:
        stop.set()
        async with asyncio.timeout(PATIENCE):
            await task


async def letters(bus: Bus, topic: str) -> dict[str, DeadLetter]:
    """What was parked of a topic."""
    found = {r.key or "": DeadLetter.from_json(r.value) for r in await bus.everything(DEAD_LETTERS) if r.value}
    return {key: letter for key, letter in found.items() if letter.topic == topic}


class LoopContract:
    """bus.loop.consume."""

    async def test_what_is_retryable_is_repeated_whole_until_it_works(self, bus: Bus) -> None:
        topic, publisher = await bus.topic(), await bus.publisher()
        await publisher.publish(numbered(topic, 5))
        calls: list[list[int]] = []

        async def handler(batch: Sequence[Received], /) -> None:
            calls.append(numbers(batch))
            if len(calls) < 3:
                raise Retryable("not now")

        async with consuming(bus, topic, unique("group"), handler):
            await eventually(lambda: len(calls) >= 3)
        assert calls[0] == calls[1] == calls[2] == [0, 1, 2, 3, 4]
        assert await letters(bus, topic) == {}

    async def test_patience_spent_it_ends_with_nothing_settled(self, bus: Bus) -> None:
        topic, publisher, group = await bus.topic(), await bus.publisher(), unique("group")
        await publisher.publish(numbered(topic, 3))

        async def failing(batch: Sequence[Received], /) -> None:
            raise Retryable("never")

        with pytest.raises(Retryable, match="never"):
            async with consuming(bus, topic, group, failing, patience=0.2) as task:
                await asyncio.wait({task}, timeout=PATIENCE)
        seen: list[int] = []

        async def handler(batch: Sequence[Received], /) -> None:
            seen.extend(numbers(batch))

        async with consuming(bus, topic, group, handler):
            await eventually(lambda: len(seen) >= 3)
        assert seen == [0, 1, 2]

    async def test_nothing_is_settled_before_the_handler_is_through(self, bus: Bus) -> None:
        topic, publisher, group = await bus.topic(), await bus.publisher(), unique("group")
        await publisher.publish(numbered(topic, 3))
        entered = asyncio.Event()

        async def hanging(batch: Sequence[Received], /) -> None:
            entered.set()
            await asyncio.Event().wait()

        async with consuming(bus, topic, group, hanging):
            await asyncio.wait_for(entered.wait(), PATIENCE)
        # stopped in the middle: the batch is dropped, and the next member gets all of it
        seen: list[int] = []

        async def handler(batch: Sequence[Received], /) -> None:
            seen.extend(numbers(batch))

        async with consuming(bus, topic, group, handler):
            await eventually(lambda: len(seen) >= 3)
        assert seen == [0, 1, 2]

    async def test_one_bad_record_is_found_by_halving_and_parked_with_its_reason(self, bus: Bus) -> None:
        topic, publisher, group = await bus.topic(), await bus.publisher(), unique("group")
        await publisher.publish(numbered(topic, 33))
        handled: Counter[int] = Counter()
        sizes: list[int] = []

        async def handler(batch: Sequence[Received], /) -> None:
            sizes.append(len(batch))
            if 20 in numbers(batch):
                raise Invalid("twenty is not a number")
            handled.update(numbers(batch))

        async with consuming(bus, topic, group, handler):
            await eventually(lambda: len(handled) == 32)
        assert set(handled.values()) == {1}
        assert set(handled) == set(range(33)) - {20}
        assert len(sizes) < 33
        (letter,) = (await letters(bus, topic)).values()
        assert (letter.offset, letter.reason, letter.error, letter.value) == (
            20,
            "twenty is not a number",
            "invalid",
            b"20",
        )
        assert dead_letter_key(topic, 0, 20) in await letters(bus, topic)

    async def test_an_unexpected_error_parks_the_record_it_concerns_after_a_second_try(self, bus: Bus) -> None:
        topic, publisher = await bus.topic(), await bus.publisher()
        await publisher.publish(numbered(topic, 1))
        tries: list[int] = []
        handled: list[int] = []

        async def handler(batch: Sequence[Received], /) -> None:
            if 0 in numbers(batch):
                tries.append(len(batch))
                raise ZeroDivisionError("no")
            handled.extend(numbers(batch))

        async with consuming(bus, topic, unique("group"), handler):
            await eventually(lambda: len(tries) == 2)
            await publisher.publish(numbered(topic, 1, start=1))
            await eventually(lambda: handled == [1])
        (letter,) = (await letters(bus, topic)).values()
        assert (letter.error, letter.reason) == ("unexpected", "ZeroDivisionError: no")

    async def test_too_many_bad_records_stop_it_and_say_why(self, bus: Bus) -> None:
        topic, publisher, group = await bus.topic(), await bus.publisher(), unique("group")
        await publisher.publish(numbered(topic, 60))

        async def handler(batch: Sequence[Received], /) -> None:
            raise Invalid("all of them")

        with pytest.raises(BudgetSpent, match="all of them"):
            async with consuming(bus, topic, group, handler) as task:
                await asyncio.wait({task}, timeout=PATIENCE)
        assert len(await letters(bus, topic)) == 50

    async def test_a_parked_record_moves_progress_and_only_after_it_is_parked(self, bus: Bus) -> None:
        topic, publisher, group = await bus.topic(), await bus.publisher(), unique("group")
        await publisher.publish(numbered(topic, 3))
        member, handled = bus.member(group), list[int]()

        async def handler(batch: Sequence[Received], /) -> None:
            if 2 in numbers(batch):
                raise Invalid("two")
            await member.move(batch)
            handled.extend(numbers(batch))

        async with consuming(bus, topic, group, handler, member=member):
            await eventually(lambda: handled == [0, 1])
            await publisher.publish(numbered(topic, 1, start=3))
            await eventually(lambda: handled == [0, 1, 3])
        assert [letter.offset for letter in (await letters(bus, topic)).values()] == [2]
        heir = bus.member(group)
        assert await heir.claim([Partition(topic, 0)]) == {Partition(topic, 0): 4}

    async def test_fenced_it_drops_the_batch_and_joins_again(self, bus: Bus) -> None:
        topic, publisher, group = await bus.topic(), await bus.publisher(), unique("group")
        await publisher.publish(numbered(topic, 2))
        member, handled, fenced = bus.member(group), list[int](), list[int]()

        async def handler(batch: Sequence[Received], /) -> None:
            if not fenced:  # another member takes over while this one works
                await bus.member(group).claim([Partition(topic, 0)])
            try:
                await member.move(batch)
            except Fenced:
                fenced.append(1)
                raise
            handled.extend(numbers(batch))

        async with consuming(bus, topic, group, handler, member=member):
            await eventually(lambda: handled == [0, 1])
            await publisher.publish(numbered(topic, 1, start=2))
            await eventually(lambda: handled == [0, 1, 2])
        assert fenced == [1]
        assert await letters(bus, topic) == {}

    async def test_another_cluster_ends_it_at_once(self, bus: Bus) -> None:
        topic, group = await bus.topic(), unique("group")
        member = bus.member(group)

        class Foreign:
            claims = 0
            skip = staticmethod(member.skip)
            move = staticmethod(member.move)

            async def claim(self, partitions: object) -> dict[Partition, int | None]:  # noqa: ARG002
                Foreign.claims += 1
                raise ForeignCluster("another cluster; run `deskstream db adopt-cluster`")

        async def handler(batch: Sequence[Received], /) -> None: ...

        with pytest.raises(ForeignCluster, match="adopt-cluster"):
            async with consuming(bus, topic, group, handler, member=Foreign()) as task:
                await asyncio.wait({task}, timeout=PATIENCE)
        assert Foreign.claims == 1

    async def test_while_progress_cannot_be_claimed_it_waits_in_its_group(self, bus: Bus) -> None:
        topic, publisher, group = await bus.topic(), await bus.publisher(), unique("group")
        await publisher.publish(numbered(topic, 2))
        member, handled = bus.member(group), list[int]()

        class Away:
            left = 2
            skip = staticmethod(member.skip)
            move = staticmethod(member.move)

            async def claim(self, partitions: list[Partition]) -> object:
                if self.left:
                    self.left -= 1
                    raise Retryable("the database: away")
                return await member.claim(partitions)

        async def handler(batch: Sequence[Received], /) -> None:
            await member.move(batch)
            handled.extend(numbers(batch))

        async with consuming(bus, topic, group, handler, member=Away()):  # type: ignore[arg-type]
            await eventually(lambda: handled == [0, 1])

    async def test_stopping_lets_the_batch_in_hand_be_settled(self, bus: Bus) -> None:
        topic, publisher, group = await bus.topic(), await bus.publisher(), unique("group")
        await publisher.publish(numbered(topic, 2))
        entered, seen = asyncio.Event(), list[int]()

        async def slow(batch: Sequence[Received], /) -> None:
            entered.set()
            await asyncio.sleep(0.5)
            seen.extend(numbers(batch))

        async with consuming(bus, topic, group, slow):
            await asyncio.wait_for(entered.wait(), PATIENCE)
        assert seen == [0, 1]
        async with consuming(bus, topic, group, slow):
            await publisher.publish(numbered(topic, 1, start=2))
            await eventually(lambda: len(seen) >= 3)
        assert seen == [0, 1, 2]
