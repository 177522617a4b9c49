"""The figures: from a published event to its figure on the topic and in the database, and how fast they are rebuilt.

The rebuild's yardstick is reading the same topic and decoding every event, and nothing else.
"""

import asyncio
import statistics
import time
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import psycopg
import sqlalchemy as sa
from aiokafka import AIOKafkaConsumer
from pydantic_core import from_json

from bus.latest import read_to_end
from bus.reading import consumer_options
from bus.ticket_event import TicketEvent
from metrics_worker.event import decode
from metrics_worker.rebuild.with_progress import rebuilt
from tests.e2e.running import Up
from tests.metrics_worker.histories import Ticket
from tests.metrics_worker.workers import Figures

_RATE = 200
_SECONDS = 10


@dataclass(frozen=True)
class Place:
    """What `Figures.make` needs of a stack, on the servers of a running `up`."""

    kafka: str
    address: str

    def new_database(self) -> str:
        name = f"bench_{uuid.uuid4().hex[:8]}"
        url = sa.make_url(self.address)
        plain = url.set(drivername="postgresql").render_as_string(hide_password=False)
        with psycopg.connect(plain, autocommit=True) as connection:
            connection.execute(f"CREATE DATABASE {name}")
        return url.set(database=name, drivername="postgresql+psycopg").render_as_string(hide_password=False)


def measure(up: Up, tickets: int, runs: int) -> dict[str, Any]:
    """Milliseconds at 200 events a second, and events a second rebuilt beside the yardstick; medians of `runs`."""
    return asyncio.run(_measure(up, tickets, runs))


async def _measure(up: Up, tickets: int, runs: int) -> dict[str, Any]:
    ends = up.endpoints()
    desk = await Figures.make(Place(ends["kafka"], ends["database"]), partitions=12)  # type: ignore[arg-type]
    try:
        worker = desk.start()
        await desk.publish(_events(-1, 1))
        await settled(desk)
        found = await _latency(desk)
        stories = _events(0, tickets)
        for at in range(0, len(stories), 5_000):
            await desk.publish(stories[at : at + 5_000])
        began, cpu = time.monotonic(), _cpu(worker.pid)
        await settled(desk)
        found["figures: events/s folded live"] = len(stories) / (time.monotonic() - began)
        found["figures: CPU µs per event, live"] = (_cpu(worker.pid) - cpu) / len(stories) * 1e6
        rates, bare = [], []
        for _ in range(runs):
            began = time.monotonic()
            read = 0
            async for record in read_to_end(desk.settings.kafka, [desk.names.events]):
                decode(record)
                read += 1
            bare.append(read / (time.monotonic() - began))
            began = time.monotonic()
            done = await rebuilt(desk.settings, names=desk.names)
            assert (done.difference.keys, done.events) == (0, read), done
            rates.append(read / (time.monotonic() - began))
        found["figures: rebuilt, events/s"] = statistics.median(rates)
        found["figures: read and decoded, events/s"] = statistics.median(bare)
        found["figures: rebuild × read and decode"] = statistics.median(rates) / statistics.median(bare)
        return found
    finally:
        await desk.close()


def _events(seed: int, tickets: int) -> list[TicketEvent]:
    """What a mail becomes: opened, received, confirmed; half of them answered and closed."""
    made: list[TicketEvent] = []
    for n in range(tickets):
        ticket = (
            Ticket(f"{seed}.{n}", n, f"{seed}.c{n * 9 // 10}").mail(n % 900).add("ticket.confirmed", n, reply_id="c")
        )
        if n % 2:
            ticket.assigned(n + 1, f"a{n % 9}", f"t{n % 3}").answered(n + 20).closed(n + 20)
        made += ticket.events
    return made


def _cpu(pid: int) -> float:
    import psutil

    times = psutil.Process(pid).cpu_times()
    return float(times.user + times.system)


async def settled(desk: Figures) -> None:
    """The worker has read all there is."""
    ends: dict[int, int] = {}
    consumer = AIOKafkaConsumer(desk.names.events, **consumer_options(desk.settings.kafka, None, own_progress=False))
    await consumer.start()
    ends = {tp.partition: end for tp, end in (await consumer.end_offsets(list(consumer.assignment()))).items()}
    await consumer.stop()
    plain = sa.make_url(desk.url).set(drivername="postgresql").render_as_string(hide_password=False)
    async with await psycopg.AsyncConnection.connect(plain, autocommit=True) as connection:
        while True:
            rows = await connection.execute(
                "SELECT partition, next_offset FROM metrics.progress WHERE topic = %s AND next_offset IS NOT NULL",
                (desk.names.events,),
            )
            at: dict[int, int] = dict(await rows.fetchall())
            if all(at.get(partition, 0) >= end for partition, end in ends.items()):
                return
            await asyncio.sleep(0.02)


async def _latency(desk: Figures) -> dict[str, float]:
    """One new contact's event after the other: when its own key is on the topic, and when its row can be read."""
    published: dict[str, float] = {}
    topic: dict[str, float] = {}
    table: dict[str, float] = {}
    watching = [
        asyncio.create_task(_watch_topic(desk, topic)),
        asyncio.create_task(_watch_table(desk, published, table)),
    ]
    await asyncio.sleep(1.5)
    began = time.time()
    for n in range(_RATE * _SECONDS):
        await asyncio.sleep(max(0.0, began + n / _RATE - time.time()))
        key = f"contact:lat{n}"
        published[key] = time.time()
        await desk.publish(Ticket(f"lat{n}", n, f"lat{n}").opened(0).events)
    await asyncio.sleep(2.0)
    for task in watching:
        task.cancel()
    await asyncio.gather(*watching, return_exceptions=True)
    return _percentiles("topic", published, topic) | _percentiles("database", published, table)


def _percentiles(where: str, published: dict[str, float], seen: dict[str, float]) -> dict[str, float]:
    delays = sorted((seen[key] - at) * 1_000 for key, at in published.items() if key in seen)
    assert len(delays) == len(published), f"{where}: only {len(delays)} of {len(published)} were seen"
    name = f"event → figure ({where}) at {_RATE}/s"
    return {f"{name}, p50 ms": statistics.median(delays), f"{name}, p99 ms": delays[int(len(delays) * 0.99)]}


async def _watch_topic(desk: Figures, seen: dict[str, float]) -> None:
    options = consumer_options(desk.settings.kafka, None, own_progress=False) | {"auto_offset_reset": "latest"}
    consumer = AIOKafkaConsumer(desk.names.figures, **options)
    await consumer.start()
    try:
        while True:
            for records in (await consumer.getmany(timeout_ms=50)).values():
                now = time.time()
                for record in records:
                    seen.setdefault(from_json(record.value)["key"], now)
    finally:
        await consumer.stop()


async def _watch_table(desk: Figures, published: dict[str, float], seen: dict[str, float]) -> None:
    plain = sa.make_url(desk.url).set(drivername="postgresql").render_as_string(hide_password=False)
    async with await psycopg.AsyncConnection.connect(plain, autocommit=True) as connection:
        while True:
            waiting = list(published.keys() - seen.keys())
            found = await connection.execute("SELECT key FROM metrics.figures WHERE key = ANY(%s)", (waiting,))
            rows: Sequence[Any] = await found.fetchall()
            now = time.time()
            for (key,) in rows:
                seen.setdefault(key, now)
            await asyncio.sleep(0.005)
