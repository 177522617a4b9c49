"""A store on a database of the test's own, fed without Kafka."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncEngine

from bus.calendars import ONLY_STANDARD, Calendars
from bus.contact_event import ContactEvent
from bus.progress import FencedProgress
from bus.record import Partition
from bus.ticket_event import TicketEvent
from bus.topics import CONTACT_EVENTS, TICKET_EVENTS
from metrics_worker import snapshot, tables
from metrics_worker.contribution import CELL
from metrics_worker.database import engine as engine_of
from metrics_worker.migrate import upgrade
from metrics_worker.service import NAMES
from metrics_worker.store import Store
from metrics_worker.trend import trend
from tests.conftest import Stack
from tests.metrics_worker.histories import contact_received, received
from tests.metrics_worker.in_memory import numbers
from tests.metrics_worker.oracle import Counted, Daily, Number

_AFTER_ALL_DAYS = 2**31 - 1


class Fed:
    """The store, and where its one partition has come to."""

    def __init__(self, url: str, engine: AsyncEngine, calendars: Calendars = ONLY_STANDARD) -> None:
        self.url = url
        self.engine = engine
        self.changed: set[str] = set()
        self.progress = FencedProgress(engine, tables.progress, NAMES.group, "cluster")
        self.calendars = calendars
        self.store = Store(engine, self.progress, self.changed.update, calendars)
        self.offset = self.contacts_offset = 0

    async def claim(self) -> None:
        await self.progress.claim([Partition(TICKET_EVENTS, 0), Partition(CONTACT_EVENTS, 0)])

    async def feed(self, events: Sequence[TicketEvent], contacts: Sequence[ContactEvent] = ()) -> None:
        batch = [received(event, self.offset + n) for n, event in enumerate(events)]
        batch += [contact_received(event, self.contacts_offset + n) for n, event in enumerate(contacts)]
        await self.store(batch)
        self.offset += len(events)
        self.contacts_offset += len(contacts)

    async def counted(self) -> Counted:
        """What is shown, as counted by hand."""
        async with self.engine.begin() as connection:
            keys = (await connection.scalars(sa.text("SELECT key FROM metrics.figures"))).all()
            documents = await snapshot.read(connection, NAMES, [key for key in keys if CELL not in key])
        return {
            (document["key"], name): number
            for document in documents
            for name, number in numbers(document["figures"]).items()
            if number.count
        }

    async def counted_by_day(self) -> Daily:
        """The same by day, of all keys whose days are kept."""
        async with self.engine.begin() as connection:
            keys = (await connection.scalars(sa.text("SELECT DISTINCT key FROM metrics.days"))).all()
            days = [(key, day) for key in keys for day in await trend(connection, key, 0, _AFTER_ALL_DAYS)]
        return {
            (key, day.day, name): Number(figure.count, figure.sum, figure.median, figure.p90)
            for key, day in days
            for name, figure in day.figures.items()
            if figure.count
        }

    async def oldest(self) -> dict[str, datetime]:
        """Since when the oldest unanswered one waits, by key."""
        async with self.engine.begin() as connection:
            keys = (await connection.scalars(sa.text("SELECT key FROM metrics.figures"))).all()
            documents = await snapshot.read(connection, NAMES, [key for key in keys if CELL not in key])
        unanswered = {document["key"]: document["figures"]["unanswered"] for document in documents}
        return {key: figure["oldest_at"] for key, figure in unanswered.items() if "oldest_at" in figure}


@asynccontextmanager
async def fed(stack: Stack, calendars: Calendars = ONLY_STANDARD) -> AsyncIterator[Fed]:
    url = stack.new_database()
    upgrade(url)
    engine = engine_of(url)
    made = Fed(url, engine, calendars)
    await made.claim()
    yield made
    await engine.dispose()
