"""A store on a database of the test's own, fed without Kafka."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncEngine

from bus.progress import FencedProgress
from bus.record import Partition
from bus.ticket_event import TicketEvent
from bus.topics import TICKET_EVENTS
from metrics_worker import tables
from metrics_worker.database import engine as engine_of
from metrics_worker.migrate import upgrade
from metrics_worker.service import NAMES
from metrics_worker.store import Store
from tests.conftest import Stack
from tests.metrics_worker.histories import received
from tests.metrics_worker.oracle import Counted


class Fed:
    """The store, and where its one partition has come to."""

    def __init__(self, url: str, engine: AsyncEngine) -> None:
        self.url = url
        self.engine = engine
        self.changed: set[str] = set()
        self.progress = FencedProgress(engine, tables.progress, NAMES.group, "cluster")
        self.store = Store(engine, self.progress, self.changed.update)
        self.offset = 0

    async def claim(self) -> None:
        await self.progress.claim([Partition(TICKET_EVENTS, 0)])

    async def feed(self, events: Sequence[TicketEvent]) -> None:
        await self.store([received(event, self.offset + n) for n, event in enumerate(events)])
        self.offset += len(events)

    async def counted(self) -> Counted:
        async with self.engine.begin() as connection:
            rows = await connection.execute(sa.text("SELECT key, figure, n FROM metrics.counters WHERE n <> 0"))
            return {(row.key, row.figure): row.n for row in rows}


@asynccontextmanager
async def fed(stack: Stack) -> AsyncIterator[Fed]:
    url = stack.new_database()
    upgrade(url)
    engine = engine_of(url)
    made = Fed(url, engine)
    await made.claim()
    yield made
    await engine.dispose()
