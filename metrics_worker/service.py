"""The worker as a service: stand by, lead, and stand by again."""

import asyncio
from collections.abc import Callable, Coroutine, Sequence
from datetime import UTC, datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncEngine

from bus.database import database_url
from bus.errors import Retryable
from bus.health import Health
from bus.leadership import SILENCE, Leadership, lead
from bus.loop import consume
from bus.parking import Parking
from bus.progress import FencedProgress, database_error
from bus.publisher import KafkaPublisher
from bus.record import Received
from bus.service import Announce, Work
from bus.settings import Settings
from bus.topics import CONTACT_EVENTS, CUSTOMER_METRICS, TICKET_EVENTS
from bus.transactions import KafkaTransactions
from metrics_worker import calendar_store, tables
from metrics_worker.behind import behind, looked
from metrics_worker.cluster import describe
from metrics_worker.database import engine as engine_of
from metrics_worker.meters import CLOCK_BEHIND, LEADING, forget_desk
from metrics_worker.publishing import Publishing
from metrics_worker.snapshot import Names
from metrics_worker.store import Store
from metrics_worker.whole_topics import WholeTopics

_LOOK_SECONDS = 1.0
NAMES = Names(events=TICKET_EVENTS, figures=CUSTOMER_METRICS, group="deskstream.metrics", contacts=CONTACT_EVENTS)


def work(settings: Settings, *, names: Names = NAMES, silence: float = SILENCE) -> Work:
    """The figures' work. The transactional id is the group's name. Raises ConfigError when no database is named.

    `silence`: after so many seconds another worker takes over from one that has frozen.
    """
    url = database_url(settings)

    async def run(stop: asyncio.Event, health: Health, announce: Announce) -> None:  # noqa: ARG001  # the form of Work
        health.set("figures", "starting")
        engine = engine_of(url)
        parked = KafkaPublisher(settings.kafka)
        await parked.start()
        parking = Parking(parked, "figures")

        def report(state: str) -> None:
            LEADING.set(state == "leader")
            if state != "leader":
                forget_desk()
                # whoever stands by is ready: it will work when it is needed
                health.set("figures", None if state == "standby" else state)

        def term(leadership: Leadership) -> list[Coroutine[Any, Any, None]]:
            return [_term(settings, leadership, engine, parking, names, health)]

        try:
            await lead(url, tables.LEADER_LOCK, term, stop=stop, report=report, silence=silence)
        finally:
            LEADING.set(0)
            await parked.stop()
            forget_desk()
            await engine.dispose()

    return run


async def _term(
    settings: Settings,
    leadership: Leadership,
    engine: AsyncEngine,
    parking: Parking,
    names: Names,
    health: Health,
) -> None:
    """Work until cancelled, while the lock is held. Raises Retryable, Fenced, and what consuming raises for good."""
    try:
        kafka = settings.kafka
        cluster = await describe(kafka, (names.events, names.contacts))
        async with engine.begin() as connection:
            calendars = await calendar_store.register(connection, settings)
        progress = FencedProgress(engine, tables.progress, names.group, cluster.id)
        publishing = Publishing(engine, lambda: KafkaTransactions(kafka, names.group), names)
        source = WholeTopics(kafka, cluster.partitions, names.group, progress, leadership)
        store = Store(engine, progress, publishing.changed, calendars, contacts_topic=names.contacts)

        async def settle(batch: Sequence[Received], /) -> None:
            await publishing.room()
            await store(batch)

        await _until_first(
            consume(source, settle, parking, progress=progress),
            publishing.run(lambda problem: health.set("figures", problem)),
            _until_exchanged(engine, lambda: source.unread),
        )
    except DBAPIError as error:
        raise database_error(error) from error


async def _until_exchanged(engine: AsyncEngine, unread: Callable[[], int]) -> None:
    """Wait until a rebuild has put other tables in place of ours; raises Retryable then, to begin anew with them.

    Says meanwhile how late the desk's clock is and how much is unread.
    """
    ours: int | None = None
    while True:
        async with engine.begin() as connection:
            now = await connection.scalar(sa.text("SELECT 'metrics.figures'::regclass::oid::bigint"))
            await looked(connection, datetime.now(UTC), unread())
            CLOCK_BEHIND.set((await behind(connection, datetime.now(UTC))).clock)
        if ours is None:
            ours = now
        elif ours != now:
            raise Retryable("the figures were rebuilt: begin anew with them")
        await asyncio.sleep(_LOOK_SECONDS)


async def _until_first(*parts: Coroutine[Any, Any, None]) -> None:
    """Run all until one ends; cancel and await the others; raise what the one raised."""
    tasks = [asyncio.create_task(part) for part in parts]
    try:
        done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
    for task in done:
        task.result()
