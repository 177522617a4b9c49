"""The worker as a service: stand by, lead, and stand by again."""

import asyncio
import contextlib
from collections.abc import Coroutine
from typing import Any

import structlog
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncEngine

from bus.errors import ConfigError, Fenced, Retryable
from bus.health import Health
from bus.kafka_settings import KafkaSettings
from bus.loop import consume
from bus.parking import Parking
from bus.progress import FencedProgress, ForeignCluster, database_error
from bus.publisher import KafkaPublisher
from bus.service import Announce, Work
from bus.settings import Settings
from bus.topics import CUSTOMER_METRICS, TICKET_EVENTS
from bus.transactions import KafkaTransactions
from metrics_worker import tables
from metrics_worker.cluster import describe
from metrics_worker.database import database_url, working_engine
from metrics_worker.leadership import IDLE_SECONDS, Leadership, LeadershipLost
from metrics_worker.meters import LEADING
from metrics_worker.publishing import Publishing
from metrics_worker.snapshot import Names
from metrics_worker.store import Store
from metrics_worker.whole_topic import WholeTopic

log = structlog.get_logger()

NAMES = Names(events=TICKET_EVENTS, figures=CUSTOMER_METRICS, group="deskstream.metrics")
_PAUSE = 1.0


def work(settings: Settings, *, names: Names = NAMES, idle_seconds: int = IDLE_SECONDS) -> Work:
    """The figures' work. The transactional id is the group's name. Raises ConfigError when no database is named.

    `idle_seconds`: after so long another worker takes over from one that has frozen.
    """
    url = database_url(settings)

    async def run(stop: asyncio.Event, health: Health, announce: Announce) -> None:  # noqa: ARG001  # the form of Work
        health.set("figures", "starting")
        engine = working_engine(url)
        parked = KafkaPublisher(settings.kafka)
        await parked.start()
        try:
            while not stop.is_set():
                try:
                    await _term(
                        settings.kafka,
                        Leadership(url, idle_seconds),
                        engine,
                        Parking(parked, "figures"),
                        names,
                        stop,
                        health,
                    )
                except (Fenced, LeadershipLost) as error:
                    log.warning("figures.stands_by", reason=str(error) or "the session of the lock has ended")
                except Retryable as error:
                    log.warning("figures.retries", detail=str(error))
                    health.set("figures", str(error))
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(stop.wait(), _PAUSE)
        except ForeignCluster as error:
            raise ConfigError(str(error)) from error
        finally:
            await parked.stop()
            await engine.dispose()

    return run


async def _term(
    kafka: KafkaSettings,
    leadership: Leadership,
    engine: AsyncEngine,
    parking: Parking,
    names: Names,
    stop: asyncio.Event,
    health: Health,
) -> None:
    """Wait for the lock, then work until it is lost or `stop` is set."""
    try:
        # whoever stands by is ready: it will work when it is needed
        if not await leadership.wait_for_turn(stop, standing_by=lambda: health.set("figures")):
            return
        LEADING.set(1)
        log.info("figures.leads")
        cluster = await describe(kafka, names.events)
        progress = FencedProgress(engine, tables.progress, names.group, cluster.id)
        publishing = Publishing(engine, lambda: KafkaTransactions(kafka, names.group), names)
        source = WholeTopic(kafka, names.events, cluster.partitions, names.group, progress, leadership)
        store = Store(engine, progress, publishing.changed)
        await _until_first(
            consume(source, store, parking, progress=progress),
            publishing.run(lambda problem: health.set("figures", problem)),
            _raise_when_lost(leadership),
            stop.wait(),
        )
    except DBAPIError as error:
        raise database_error(error) from error
    finally:
        LEADING.set(0)
        await leadership.release()


async def _until_first(*parts: Coroutine[Any, Any, Any]) -> None:
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


async def _raise_when_lost(leadership: Leadership) -> None:
    await leadership.lost.wait()
    raise LeadershipLost
