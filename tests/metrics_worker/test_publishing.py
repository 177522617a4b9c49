"""Publishing on real Kafka: an old document never stands over a newer one."""

import asyncio
from collections.abc import Sequence

import pytest

from bus.errors import Fenced
from bus.latest import latest_by_key
from bus.record import Outgoing
from bus.transactions import KafkaTransactions
from metrics_worker.publishing import Publishing
from metrics_worker.snapshot import Names
from tests.conftest import Stack
from tests.metrics_worker.histories import Ticket
from tests.metrics_worker.stored import fed
from tests.metrics_worker.workers import Figures

pytestmark = pytest.mark.stack


class Slow(KafkaTransactions):
    """Stands still between reading what it publishes and publishing it, as a frozen process may."""

    arrived: asyncio.Event
    go_on: asyncio.Event

    async def publish(self, records: Sequence[Outgoing]) -> None:
        self.arrived.set()
        await self.go_on.wait()
        await super().publish(records)


class Recorded(KafkaTransactions):
    """Remembers the keys in the order in which they were published."""

    keys: list[str]

    async def publish(self, records: Sequence[Outgoing]) -> None:
        self.keys += [record.key for record in records if record.key is not None]
        await super().publish(records)


async def total(desk: Figures) -> str:
    found = (await latest_by_key(desk.settings.kafka, desk.names.figures)).get("desk")
    return "" if found is None or found.value is None else found.value.decode()


async def until(desk: Figures, text: str) -> None:
    for _ in range(100):
        if text in await total(desk):
            return
        await asyncio.sleep(0.1)
    raise AssertionError(await total(desk))


async def test_frozen_publisher_does_not_put_an_old_document_over_a_newer_one(stack: Stack) -> None:
    desk = await Figures.make(stack)
    names: Names = desk.names
    async with fed(stack) as store:
        connect = Publishing(store.engine, lambda: KafkaTransactions(desk.settings.kafka, names.group), names)
        slow = Slow(desk.settings.kafka, names.group)
        slow.arrived, slow.go_on = asyncio.Event(), asyncio.Event()
        await store.feed(Ticket("a", 1).mail(0).events)
        frozen = asyncio.create_task(Publishing(store.engine, lambda: slow, names).run(lambda _: None))
        await asyncio.wait_for(slow.arrived.wait(), 20)
        await store.feed(Ticket("b", 2).mail(0).events)
        active = asyncio.create_task(connect.run(lambda _: None))
        await until(desk, '"revision":2')
        slow.go_on.set()
        with pytest.raises(Fenced):
            await asyncio.wait_for(frozen, 20)
        assert '"revision":2' in await total(desk)
        active.cancel()
        await asyncio.gather(active, return_exceptions=True)
    await desk.close()


async def test_what_was_left_unpublished_is_published_at_the_beginning(stack: Stack) -> None:
    desk = await Figures.make(stack)
    async with fed(stack) as store:
        await store.feed(Ticket("a", 1).mail(0).events)
        publishing = Publishing(store.engine, lambda: KafkaTransactions(desk.settings.kafka, "left"), desk.names)
        task = asyncio.create_task(publishing.run(lambda _: None))
        await until(desk, '"revision":1')
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
    await desk.close()


async def test_folding_waits_while_too_many_keys_wait_and_all_of_them_are_published(stack: Stack) -> None:
    desk = await Figures.make(stack)
    async with fed(stack) as store:
        for n in range(5):
            await store.feed(Ticket(f"t{n}", n, f"c{n}").mail(0).events)
        connect = KafkaTransactions(desk.settings.kafka, desk.names.group)
        publishing = Publishing(store.engine, lambda: connect, desk.names, most=2)
        await publishing.room()
        publishing.changed(["contact:c1"])
        await publishing.room()
        publishing.changed(["contact:c2"])
        folding = asyncio.create_task(publishing.room())
        await asyncio.sleep(0)
        assert not folding.done()
        task = asyncio.create_task(publishing.run(lambda _: None))
        await asyncio.wait_for(folding, 60)
        keys = {"desk", "definitions", *(f"contact:c{n}" for n in range(5))}
        while (await latest_by_key(desk.settings.kafka, desk.names.figures)).keys() != keys:
            assert not task.done()
            await asyncio.sleep(0.1)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
    await desk.close()


async def test_whoever_has_waited_longest_is_published_first(stack: Stack, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("metrics_worker.publishing._BATCH", 1)
    desk = await Figures.make(stack)
    async with fed(stack) as store:
        for n in range(3):
            await store.feed(Ticket(f"t{n}", n, f"c{n}").mail(0).events)
        connect = Recorded(desk.settings.kafka, desk.names.group)
        connect.keys = []
        publishing = Publishing(store.engine, lambda: connect, desk.names)
        for changed in (["contact:c2"], ["contact:c0", "contact:c2"], ["contact:c1"]):
            publishing.changed(changed)
        task = asyncio.create_task(publishing.run(lambda _: None))
        while len(connect.keys) < 5:
            assert not task.done()
            await asyncio.sleep(0.05)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
    await desk.close()
    assert connect.keys == ["definitions", "contact:c2", "contact:c0", "contact:c1", "desk"]
