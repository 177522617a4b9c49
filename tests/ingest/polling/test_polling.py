"""A poller's loop: publish, then the cursor, then the source; what fails is tried again, ever more slowly."""

import asyncio
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from bus.errors import Retryable
from bus.raw import RawMessage
from bus.record import Position
from ingest.contract import Page
from ingest.polling import Polling
from tests.ingest.memory_cursors import MemoryCursors
from tests.ingest.polling.sources import Count, Numbers, Taken, a_place, until


class Pauses(list[float]):
    """What was waited for after failures, without waiting."""

    async def __call__(self, seconds: float) -> None:
        self.append(seconds)
        await asyncio.sleep(0)

    def were(self, *seconds: float) -> bool:
        """Give or take what keeps many from coming back at once."""
        return all(0.8 * one <= seen <= 1.2 * one for one, seen in zip(seconds, self, strict=False))


async def test_all_is_taken_once_in_order_and_only_then_is_there_a_pause(tmp_path: Path) -> None:
    source, taken, place = Numbers(8), Taken(), a_place(tmp_path)
    waited: list[float] = []

    async def wait(seconds: float) -> None:
        waited.append(seconds)
        if len(waited) == 1:
            source.there = 10
        else:
            await asyncio.Event().wait()

    await until(lambda: len(waited) == 2, Polling(source, Count, place, every=7.0, wait=wait).run(taken))
    assert taken.numbers == source.confirmed == list(range(1, 11))
    assert waited == [7.0, 7.0]
    assert place.source.last_success_at is not None


async def test_the_cursor_comes_after_kafka_and_the_source_after_the_cursor(tmp_path: Path) -> None:
    steps: list[str] = []

    class Noted(MemoryCursors):
        async def store(self, connector: str, cursor: Mapping[str, Any]) -> None:
            steps.append("cursor")
            await super().store(connector, cursor)

    class Source(Numbers):
        async def confirm(self, page: Page[Count]) -> None:
            steps.append("source")
            await super().confirm(page)

    class Kafka(Taken):
        async def __call__(self, *raw: RawMessage) -> Sequence[Position]:
            found = await super().__call__(*raw)
            steps.append("kafka")
            return found

    place = a_place(tmp_path)
    object.__setattr__(place, "cursors", Noted())
    await until(lambda: len(steps) >= 6, Polling(Source(6), Count, place, every=60).run(Kafka()))
    assert steps == ["kafka", "cursor", "source"] * 2


async def test_what_kafka_did_not_take_is_neither_passed_nor_confirmed(tmp_path: Path) -> None:
    pauses = Pauses()
    source, taken, place = Numbers(3), Taken(), a_place(tmp_path)
    taken.failing = 2
    await until(lambda: len(source.confirmed) == 3, Polling(source, Count, place, every=60, back_off=pauses).run(taken))
    assert taken.numbers == source.confirmed == [1, 2, 3]
    assert pauses.were(1, 2)


async def test_a_new_process_goes_on_where_the_last_one_was(tmp_path: Path) -> None:
    source, taken, place = Numbers(4), Taken(), a_place(tmp_path)
    await until(lambda: len(source.confirmed) == 4, Polling(source, Count, place, every=60).run(taken))
    source.there = 6
    await until(lambda: len(source.confirmed) == 6, Polling(source, Count, place, every=60).run(taken))
    assert taken.numbers == [1, 2, 3, 4, 5, 6]


async def test_pauses_double_and_are_never_shorter_than_was_asked_for(tmp_path: Path) -> None:
    pauses = Pauses()
    source, place = Numbers(1), a_place(tmp_path)
    source.errors = [
        *(Retryable("away") for _ in range(4)),
        Retryable("too many", kind="quota", after=900.0),
        Retryable("sign in", kind="auth"),
    ]
    await until(lambda: source.confirmed == [1], Polling(source, Count, place, every=60, back_off=pauses).run(Taken()))
    assert pauses.were(1, 2, 4, 8, 900, 300)
    assert pauses[4] >= 900


async def test_what_is_wrong_is_said_with_its_class_until_it_works_again(tmp_path: Path) -> None:
    pauses = Pauses()
    source, place = Numbers(1), a_place(tmp_path)
    source.errors = [Retryable("the password is refused", kind="auth")] * 1000
    loop = Polling(source, Count, place, every=60, back_off=pauses)
    await until(lambda: bool(place.source.problems), loop.run(Taken()))
    assert place.source.problems["receive"].kind == "auth"
    assert place.health.problems == {"mail: polling": "the password is refused"}
    source.errors = []
    await until(lambda: source.confirmed == [1], loop.run(Taken()))
    assert not place.source.problems
    assert not place.health.problems
    assert pauses.were(20)


async def test_a_cursor_that_nobody_understands_means_the_beginning(tmp_path: Path) -> None:
    source, taken, place = Numbers(2), Taken(), a_place(tmp_path)
    await place.cursors.store("mail", {"of": "another time"})
    await until(lambda: len(source.confirmed) == 2, Polling(source, Count, place, every=60).run(taken))
    assert taken.numbers == [1, 2]
