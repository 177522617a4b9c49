"""`deskstream ticketing`: filing, receipts, the relay and the clock, in one process that ends when one of them does."""

import asyncio
from collections.abc import Awaitable, Sequence

from prometheus_client import Gauge

from bus.database import database_url
from bus.errors import Retryable
from bus.health import Health
from bus.leadership import Leadership, lead
from bus.loop import BatchHandler, consume
from bus.parking import Parking
from bus.progress import FencedProgress
from bus.publisher import KafkaPublisher
from bus.service import Announce, Work
from bus.settings import Settings
from bus.source import KafkaSource
from bus.topics import RECEIPTS
from ticketing.accounts import AccountRules
from ticketing.acts.desk import desk_of
from ticketing.acts.forgetting import Forgetting
from ticketing.alarm import Alarm
from ticketing.clock import Clock
from ticketing.database import engine as engine_of
from ticketing.filing import Filing
from ticketing.notifications.notifier import Notifier
from ticketing.notifications.via import notifying_via
from ticketing.people.directory import ensure_departments
from ticketing.people.store import transaction
from ticketing.readiness import KafkaCluster, ready, watch
from ticketing.receipts import GROUP as RECEIPTS_GROUP
from ticketing.receipts import Receipts, now_utc
from ticketing.relay import Relay
from ticketing.relay_records import RelayTopics
from ticketing.tables import RELAY_LOCK, progress
from ticketing.ticket_clock import TicketClock

GROUP = "deskstream.ticketing"
_RECEIPTS_BUSY = 100.0
"""Receipts a second from which on they are gathered: nobody waits for them, and what they cost filing waits for."""
LEADING = Gauge("deskstream_relay_leading", "1 while this process relays, 0 while it stands by")


def work(settings: Settings, *, prefix: str = "") -> Work:
    """The desk's work. `prefix`: of its topics, groups and transactional id, where several desks share one Kafka.

    Raises ConfigError for a setting that cannot be used.
    """
    url = database_url(settings)
    desk = desk_of(settings)
    confirming, policy = desk.confirming, desk.policy

    async def run(stop: asyncio.Event, health: Health, announce: Announce) -> None:  # noqa: ARG001  # nothing to add
        for name in ("kafka", "database", "filer", "relay"):
            health.set(name, "starting")
        engine, kafka, parked = engine_of(url), KafkaCluster(settings.kafka), KafkaPublisher(settings.kafka)
        await parked.start()
        try:
            cluster, topics = await _unless(stop, ready(kafka, engine, health, prefix)) or ("", [])
            if not topics:
                return
            async with transaction(engine) as connection:
                await ensure_departments(connection, policy.departments.values(), now_utc())
            filed = FencedProgress(engine, progress, prefix + GROUP, cluster)
            messages = KafkaSource(settings.kafka, topics, prefix + GROUP, progress=filed)
            rules, alarm = AccountRules(settings.accounts), Alarm()
            health.notes["confirmations"] = alarm.note
            filing: BatchHandler = Filing(engine, filed, confirming, policy, rules, alarm, levels=desk.levels)
            told = FencedProgress(engine, progress, prefix + RECEIPTS_GROUP, cluster)
            settling = Receipts(engine, told, confirming)
            receipts = KafkaSource(
                settings.kafka, [prefix + RECEIPTS], prefix + RECEIPTS_GROUP, progress=told, busy=_RECEIPTS_BUSY
            )
            relay = Relay(settings.kafka, url, topics=RelayTopics(prefix), transactional_id=f"{prefix}relay")
            clock, ticket_clock, forgetting = Clock(engine), TicketClock(engine), Forgetting(engine)

            via = notifying_via(settings)
            notifier = Notifier(
                engine, settings.notifications, settings.desk, confirming.tokens, via, own=confirming.own
            )

            def leading(_: Leadership) -> list[Awaitable[None]]:
                return [relay.run(), clock.run(), ticket_clock.run(), notifier.run(), forgetting.run()]

            def report(state: str) -> None:
                LEADING.set(state == "leader")
                health.set("relay", None if state in ("leader", "standby") else state)

            await _until_one_ends(
                stop,
                [
                    consume(messages, filing, Parking(parked, "ticketing"), progress=filed, stop=stop),
                    consume(receipts, settling, Parking(parked, "receipts"), progress=told, stop=stop),
                    lead(
                        url,
                        RELAY_LOCK,
                        leading,
                        stop=stop,
                        report=report,
                    ),
                    watch(kafka, engine, messages, health, cluster),
                ],
            )
        finally:
            await kafka.close()
            await parked.stop()
            await engine.dispose()

    return run


async def _unless(stop: asyncio.Event, waiting: Awaitable[tuple[str, list[str]]]) -> tuple[str, list[str]] | None:
    """What is waited for, or None when the service is told to stop meanwhile."""
    task, stopping = asyncio.ensure_future(waiting), asyncio.ensure_future(stop.wait())
    try:
        await asyncio.wait({task, stopping}, return_when=asyncio.FIRST_COMPLETED)
        return task.result() if task.done() else None
    finally:
        task.cancel()
        stopping.cancel()


async def _until_one_ends(stop: asyncio.Event, parts: Sequence[Awaitable[None]]) -> None:
    """Run all parts. When one fails, or `stop` is set, the others come to their end, and a failure is raised."""
    tasks: list[asyncio.Future[object]] = [asyncio.ensure_future(part) for part in parts]
    stopping: asyncio.Future[object] = asyncio.ensure_future(stop.wait())
    try:
        done, _ = await asyncio.wait([*tasks, stopping], return_when=asyncio.FIRST_COMPLETED)
        failed = next((task for task in done if task is not stopping and task.exception() is not None), None)
        if failed is None and not stop.is_set():
            raise Retryable("a part of ticketing has ended by itself")
        stop.set()
        # what is in hand may be finished; whoever does not end by himself within this time is cancelled
        await asyncio.wait(tasks[:-1], timeout=5.0)
        if failed is not None:
            failed.result()
        for task in tasks:
            if task.done():
                task.result()
    finally:
        for task in (*tasks, stopping):
            task.cancel()
        await asyncio.gather(*tasks, stopping, return_exceptions=True)
