"""Many tickets: what an event costs, and what the worker holds, at ten thousand tickets and at the last.

Costs are CPU of the worker and of PostgreSQL; each stretch is published, settled and measured by itself. The last
stretches go by turns with those of a desk of ten thousand, so that a machine that slows down does so for both; it has
servers of its own, so that neither pays for the other. These arrive evenly: at the load for which figures are promised
at once, and at ten times that. (In a backlog of thousands, a tenth of all that a young desk has is changed twice in one
batch, and written once.) What autovacuum has left to do of what came at once, it does before. In the end everything
is rebuilt, and no digit may change.

What was measured stands beside the data: stopped and started again it goes on with the next stretch.
"""

import asyncio
import contextlib
import json
import shutil
import signal
import statistics
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil
import psycopg

from bus.record import Outgoing
from tests.bench.cost import cpu_seconds
from tests.bench.figures import settled
from tests.bench.growth import Growth, Measured, Pace
from tests.bench.many_tickets import ManyTickets, contact
from tests.metrics_worker.workers import Figures

_YOUNG = _STRETCH = 10_000
_PACES = (Pace(2_000, 3_000, 15), Pace(200, 1_500, 9))
_AT_ONCE = Pace(0, _STRETCH, 1)
_PORTIONS_A_SECOND = 20
_COMPARED = sum(pace.tickets * pace.stretches for pace in _PACES)
_BULK = 2_500
_LAST = 100
"""Who has waited longest is published first: when the last so many contacts are, all are."""
_SHOWN, _MARK = 60_000, 100_000
"""The first stretches are shown, and then one of ten."""
_SILENCE = 60
"""Nobody takes over here, and a busy machine is not to look like a frozen worker."""
_REST = 65
"""Autovacuum looks once a minute."""
_RATIO = "figures, last tickets × first by turns,"
GOALS = {
    **{f"{_RATIO} CPU µs per event at {pace.a_second:,} events/s": "≤ 1.2" for pace in _PACES},
    f"{_RATIO} MB of the worker": "≤ 1.3",
}


@dataclass(frozen=True)
class Place:
    """Where a run's topics and its one database are."""

    kafka: str
    server: str
    database: str

    def new_database(self) -> str:
        """The run's, made when it is not there."""
        base, _, _ = self.server.rpartition("/")
        with psycopg.connect(f"{base}/postgres".replace("+psycopg", ""), autocommit=True) as connection:
            found = connection.execute("SELECT FROM pg_database WHERE datname = %s", (self.database,))
            if found.fetchone() is None:
                connection.execute(f"CREATE DATABASE {self.database}".encode())
        return f"{base}/{self.database}"


def measure(folder: Path, tickets: int, seed: int, say: Callable[[str], None]) -> dict[str, Any]:
    """Grow to so many tickets, from where the folder stands, and rebuild; `say` hears how it goes."""
    file = folder / "growth.json"
    growth = Growth.read(file) if file.exists() else None
    if growth is None or growth.seed != seed:
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        growth = Growth(seed)
    if growth.tickets > tickets - _COMPARED - _STRETCH:  # one at least warms the worker up
        raise SystemExit(f"{folder} has {growth.tickets:,} tickets: remove it, or --grow-to more")
    shutil.rmtree(folder / "young", ignore_errors=True)
    with _servers(folder) as servers, _servers(folder / "young") as others:
        return asyncio.run(_measure(servers, others, growth, tickets, file, say))


async def _measure(
    servers: "Servers", others: "Servers", growth: Growth, tickets: int, file: Path, say: Callable[[str], None]
) -> dict[str, Any]:
    desk = await open_desk(servers.place(growth.database), growth)
    young = Growth(growth.seed + 1)
    other = await open_desk(others.place(young.database), young)
    at_once = [_AT_ONCE] * -(-(tickets - _COMPARED - growth.tickets) // _STRETCH)
    beginning = grow(other, young, [_AT_ONCE, *_PACES], others.postmaster, rest=_REST)
    pairs: list[tuple[Measured, Measured]] = []
    try:
        async for last in grow(desk, growth, [*at_once, *_PACES], servers.postmaster, rest=_REST):
            growth.write(file)
            if last.tickets % _MARK == 0 or last.tickets <= _SHOWN:
                say(
                    f"{last.tickets:,} of {tickets:,} tickets: {last.worker_us:.0f} + {last.postgres_us:.0f} µs per "
                    f"event, worker {last.worker_mb:.0f} MB, {last.events_per_second:,.0f} events/s"
                )
            if last.a_second:
                while (first := await anext(beginning)).a_second != last.a_second:
                    pass
                pairs.append((first, last))
                costs = (f"{each.worker_us:.0f} + {each.postgres_us:.0f}" for each in (first, last))
                say(f"{last.a_second:,} events/s, by turns: {' beside '.join(costs)} µs per event")
        found = compared(pairs)
        for name, value in found.items():
            say(f"{name}: {value:.2f}")
        return found | await _rebuilt(desk, growth.tickets)
    finally:
        await desk.close()
        await other.close()


async def open_desk(place: Place, growth: Growth) -> Figures:
    """The topics and the database of a run, made at its first beginning."""
    desk = await Figures.make(place, partitions=12, names=growth.names)  # type: ignore[arg-type]  # all that it needs
    growth.names = desk.names
    return desk


async def grow(
    desk: Figures, growth: Growth, paces: Sequence[Pace], postmaster: psutil.Process, *, rest: float = 0
) -> AsyncIterator[Measured]:
    """Stretch after stretch, each told when it is measured.

    Between those at once and others autovacuum has done nothing for `rest` seconds.
    """
    many = ManyTickets(growth.seed)
    many.pass_over(growth.tickets)
    worker = psutil.Process(desk.start(silence=_SILENCE).pid)
    before = None
    for pace in [each for each in paces for _ in range(each.stretches)]:
        if before is not None and pace.a_second and not before.a_second:
            await _at_rest(desk, rest)
        before, first = pace, many.number
        events = [Outgoing(desk.names.events, told.ticket_id, told.to_json()) for told in many.told(pace.tickets)]
        began, spent, server = time.monotonic(), cpu_seconds([worker]), _server(postmaster)
        await _publish(desk, events, pace)
        await settled(desk)
        await _published(desk, [f"contact:{contact(n)}" for n in range(max(first, many.number - _LAST), many.number)])
        measured = Measured(
            many.number,
            pace.a_second,
            (cpu_seconds([worker])[worker.pid] - spent[worker.pid]) / len(events) * 1e6,
            (_server(postmaster) - server) / len(events) * 1e6,
            worker.memory_info().rss / 1e6,
            len(events) / (time.monotonic() - began),
        )
        growth.stretches.append(measured)
        yield measured


async def _publish(desk: Figures, events: Sequence[Outgoing], pace: Pace) -> None:
    due, portion = time.monotonic(), pace.a_second // _PORTIONS_A_SECOND or _BULK
    for part in range(0, len(events), portion):
        await desk.publisher.publish(events[part : part + portion])
        if pace.a_second:
            due += portion / pace.a_second
            await asyncio.sleep(max(0.0, due - time.monotonic()))


async def _at_rest(desk: Figures, rest: float) -> None:
    found = "SELECT FROM pg_stat_activity WHERE backend_type = 'autovacuum worker' LIMIT 1"
    async with await psycopg.AsyncConnection.connect(desk.url.replace("+psycopg", ""), autocommit=True) as connection:
        since = time.monotonic()
        while time.monotonic() < since + rest:
            if await (await connection.execute(found)).fetchone() is not None:
                since = time.monotonic()
            await asyncio.sleep(0.5)


async def _published(desk: Figures, keys: Sequence[str]) -> None:
    """What these keys show stands on the topic: a stretch is not over before."""
    async with await psycopg.AsyncConnection.connect(desk.url.replace("+psycopg", ""), autocommit=True) as connection:
        left = "SELECT FROM metrics.figures WHERE key = ANY(%s) AND revision > published_revision LIMIT 1"
        while await (await connection.execute(left, (list(keys),))).fetchone() is not None:
            await asyncio.sleep(0.05)


def compared(pairs: Sequence[tuple[Measured, Measured]]) -> dict[str, Any]:
    """Medians of what two desks cost by turns, at each pace: after its first pair, which settles what was before."""
    found: dict[str, Any] = {}
    for pace in dict.fromkeys(first.a_second for first, _ in pairs):
        told = [(first.us, last.us) for first, last in pairs if first.a_second == pace][1:]
        young, old = zip(*told, strict=True)
        what = f"CPU µs per event at {pace:,} events/s"
        found[f"figures from {_YOUNG:,} tickets on, {what}"] = statistics.median(young)
        found[f"figures at the last tickets, {what}"] = statistics.median(old)
        found[f"{_RATIO} {what}"] = statistics.median(last / first for first, last in told)
    found[f"{_RATIO} MB of the worker"] = statistics.median(last.worker_mb / first.worker_mb for first, last in pairs)
    return found


async def _rebuilt(desk: Figures, tickets: int) -> dict[str, Any]:
    """All of it again from the topics: how fast, and the most that its processes held together."""
    began, held = time.monotonic(), 0
    process = desk.rebuild(processes=0)
    here = psutil.Process(process.pid)
    while process.poll() is None:
        with contextlib.suppress(psutil.Error):
            held = max(held, sum(each.memory_info().rss for each in (here, *here.children())))
        await asyncio.sleep(0.2)
    assert process.stdout is not None
    done = json.loads(process.stdout.read())
    assert (done["difference"]["keys"], done["difference"]["days"], done["tickets"]) == (0, 0, tickets), done
    return {
        f"figures at {tickets:,} tickets: rebuilt, events/s": done["events"] / (time.monotonic() - began),
        f"figures at {tickets:,} tickets: rebuilding, MB of all its processes": held / 1e6,
    }


@dataclass(frozen=True)
class Servers:
    """Where Kafka and PostgreSQL of a folder are, and who leads the latter's processes."""

    kafka: str
    database: str
    postmaster: psutil.Process

    def place(self, database: str) -> Place:
        """Of a run."""
        return Place(self.kafka, self.database, database)


@contextmanager
def _servers(folder: Path) -> Iterator[Servers]:
    """Kafka and PostgreSQL alone, on a folder that is kept: nothing else asks them anything."""
    command = [sys.executable, "-m", "deploy.embedded", "--data", str(folder)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE)
    try:
        assert process.stdout is not None
        told = json.loads(process.stdout.readline())
        postmaster = next(each for each in psutil.Process(process.pid).children() if each.name() == "postgres")
        yield Servers(told["kafka"], told["database"], postmaster)
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(60)


def _server(postmaster: psutil.Process) -> float:
    """CPU of all of PostgreSQL, of workers that have ended too."""
    family = [postmaster, *postmaster.children(recursive=True)]
    own = sum(cpu_seconds(family).values())
    times = postmaster.cpu_times()
    return own + times.children_user + times.children_system
