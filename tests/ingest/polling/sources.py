"""A source in memory, and what polls it."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path

from pydantic import BaseModel

from bus.blobs import FolderBlobs
from bus.errors import Retryable
from bus.health import Health
from bus.raw import Inline, RawMessage
from bus.record import Position
from ingest.contract import Page, Place
from tests.ingest.memory_cursors import MemoryCursors


class Count(BaseModel):
    taken: int


class Numbers:
    """A poller of 1, 2, 3 … up to `there`, three at a time, that writes down all that is asked of it."""

    def __init__(self, there: int) -> None:
        self.there = there
        self.confirmed: list[int] = []
        self.fetches = 0
        self.errors: list[Retryable] = []

    async def fetch(self, after: Count | None) -> Page[Count]:
        await asyncio.sleep(0)
        self.fetches += 1
        if self.errors:
            raise self.errors.pop(0)
        taken = after.taken if after else 0
        new = range(taken + 1, min(taken + 3, self.there) + 1)
        return Page([a_raw(number) for number in new], Count(taken=new[-1] if new else taken))

    async def confirm(self, page: Page[Count]) -> None:
        self.confirmed += [number_of(raw) for raw in page.messages]


def a_raw(number: int) -> RawMessage:
    return RawMessage(
        channel="email",
        account="mail",
        received_at=datetime(2026, 1, 1, tzinfo=UTC),
        payload=Inline(base64=str(number).encode()),
    )


def number_of(raw: RawMessage) -> int:
    assert isinstance(raw.payload, Inline)
    return int(raw.payload.base64)


class Taken:
    """Emit that keeps what came; `failing`: how often it fails first."""

    def __init__(self) -> None:
        self.numbers: list[int] = []
        self.failing = 0

    async def __call__(self, *raw: RawMessage) -> Sequence[Position]:
        await asyncio.sleep(0)
        if self.failing:
            self.failing -= 1
            raise Retryable("Kafka is away")
        self.numbers += map(number_of, raw)
        return [Position("raw.email", 0, number_of(each)) for each in raw]


def a_place(folder: Path) -> Place:
    return Place("mail", folder, FolderBlobs(folder), MemoryCursors(), Health(), lambda **_: None)


async def until(holds: Callable[[], bool], running: Awaitable[None]) -> None:
    """Let it run until something holds; then it is cancelled."""
    task = asyncio.ensure_future(running)
    try:
        async with asyncio.timeout(60):
            while not holds():  # a source tells nobody
                if task.done():
                    task.result()
                await asyncio.sleep(0.005)
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
