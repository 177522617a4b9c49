"""Many tickets: what an event costs, and what the worker holds, from the first ten thousand tickets to the last.

Costs are CPU of the worker and of PostgreSQL; each stretch is published, settled and measured by itself. A quarter of
the tickets are open, and those that end lie anywhere in the past. The last stretches go by turns with the first ones of
another desk, so that a machine that slows down does so for both; it has servers of its own, so that neither pays for
the other. These arrive evenly: in a backlog of thousands, a tenth of all that a young desk has is changed twice in one
batch, and written once. In the end everything is rebuilt, and no digit may change.

What was measured stands beside the data: stopped and started again it goes on with the next stretch.
"""

import asyncio
import contextlib
import json
import random
import shutil
import signal
import statistics
import subprocess
import sys
import time
import uuid
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import psutil
import psycopg

from bus.record import Outgoing
from bus.ticket_event import TicketEvent
from metrics_worker.snapshot import Names
from tests.bench.cost import cpu_seconds
from tests.bench.figures import settled
from tests.metrics_worker.histories import Ticket
from tests.metrics_worker.workers import Figures

_STRETCH = 10_000
_A_SECOND, _AT_ONCE = 2_000, 100
"""How evenly what is compared arrives: ten times the load that figures are promised for at once."""
_FEW = 5
"""Stretches of each desk that are compared; the first of each worker warms it up."""
_OPEN = 4
"""One ticket of so many is open."""
_THREE_DAYS = 3 * 24 * 60
"""A ticket ends within so many minutes, most on another day than that of its first message."""
_OF_AN_ACCOUNT = 20
"""So many tickets, on the average, at every size."""
_LAST = 100
"""Who has waited longest is published first: when the last so many contacts are, all are."""
_MARK = 100_000
_SILENCE = 60
"""Nobody takes over here, and a busy machine is not to look like a frozen worker."""
GOALS = {
    "figures, last tickets × first by turns, CPU µs per event": "≤ 1.2",
    "figures, last tickets × first by turns, MB of the worker": "≤ 1.3",
}


@dataclass(frozen=True)
class Measured:
    """A stretch that ends at so many tickets: CPU per event, and what the worker holds after it."""

    tickets: int
    worker_us: float
    postgres_us: float
    worker_mb: float
    events_per_second: float
    warming_up: bool

    @property
    def us(self) -> float:
        """Of both."""
        return self.worker_us + self.postgres_us


@dataclass
class Growth:
    """What a run has come to: all that it needs to go on."""

    seed: int
    stretch: int = _STRETCH
    database: str = field(default_factory=lambda: f"million_{uuid.uuid4().hex[:8]}")
    names: Names | None = None
    stretches: list[Measured] = field(default_factory=list)

    @property
    def tickets(self) -> int:
        """So many there are."""
        return len(self.stretches) * self.stretch

    @classmethod
    def read(cls, file: Path) -> "Growth":
        """As `write` left it."""
        told = json.loads(file.read_text())
        told["names"] = told["names"] and Names(**told["names"])
        told["stretches"] = [Measured(**each) for each in told["stretches"]]
        return cls(**told)

    def write(self, file: Path) -> None:
        """Replace the file."""
        new = file.with_suffix(".new")
        new.write_text(json.dumps(asdict(self), indent=1))
        new.replace(file)


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
    if growth.tickets > tickets - 2 * growth.stretch:  # the first one warms up
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
    turns = (1 + _FEW) * young.stretch
    beginning = grow(other, young, turns, others.postmaster, evenly_from=0)
    old: list[Measured] = []
    try:
        async for last in grow(desk, growth, tickets, servers.postmaster, evenly_from=tickets - turns):
            growth.write(file)
            if last.tickets % _MARK == 0 or last.tickets <= (_FEW + 1) * growth.stretch:
                say(
                    f"{last.tickets:,} of {tickets:,} tickets: {last.worker_us:.0f} + {last.postgres_us:.0f} µs per "
                    f"event, worker {last.worker_mb:.0f} MB, {last.events_per_second:,.0f} events/s"
                )
            if last.tickets > tickets - turns:
                old.append(last)
                first = await anext(beginning)
                costs = (f"{each.worker_us:.0f} + {each.postgres_us:.0f}" for each in (first, last))
                say(f"by turns: {' beside '.join(costs)} µs per event")
        found = compared(young.stretches, old)
        for name, value in found.items():
            say(f"{name}: {value:.2f}")
        return found | await _rebuilt(desk, tickets)
    finally:
        await desk.close()
        await other.close()


async def open_desk(place: Place, growth: Growth) -> Figures:
    """The topics and the database of a run, made at its first beginning."""
    desk = await Figures.make(place, partitions=12, names=growth.names)  # type: ignore[arg-type]  # all that it needs
    growth.names = desk.names
    return desk


async def grow(
    desk: Figures, growth: Growth, tickets: int, postmaster: psutil.Process, *, evenly_from: int
) -> AsyncIterator[Measured]:
    """Stretch after stretch up to so many tickets, each told when it is measured; `evenly_from`: evenly then."""
    dice, waiting = random.Random(growth.seed), list[int]()
    done = growth.tickets
    for at in range(0, done, growth.stretch):
        _chosen(at, growth.stretch, waiting, dice)
    worker, warming_up = psutil.Process(desk.start(silence=_SILENCE).pid), True
    for at in range(done, tickets, growth.stretch):
        events = list(_stretch(desk, at, _chosen(at, growth.stretch, waiting, dice)))
        began, before, server = time.monotonic(), cpu_seconds([worker]), _server(postmaster)
        await (_evenly if at >= evenly_from else _at_once)(desk, events)
        await settled(desk)
        await _published(
            desk, [f"contact:{_contact(n)}" for n in range(at + growth.stretch - _LAST, at + growth.stretch)]
        )
        measured = Measured(
            at + growth.stretch,
            (cpu_seconds([worker])[worker.pid] - before[worker.pid]) / len(events) * 1e6,
            (_server(postmaster) - server) / len(events) * 1e6,
            worker.memory_info().rss / 1e6,
            len(events) / (time.monotonic() - began),
            warming_up,
        )
        growth.stretches.append(measured)
        yield measured
        warming_up = False


async def _at_once(desk: Figures, events: Sequence[Outgoing]) -> None:
    for part in range(0, len(events), 2_500):
        await desk.publisher.publish(events[part : part + 2_500])


async def _evenly(desk: Figures, events: Sequence[Outgoing]) -> None:
    due = time.monotonic()
    for part in range(0, len(events), _AT_ONCE):
        await desk.publisher.publish(events[part : part + _AT_ONCE])
        due += _AT_ONCE / _A_SECOND
        await asyncio.sleep(max(0.0, due - time.monotonic()))


async def _published(desk: Figures, keys: Sequence[str]) -> None:
    """What these keys show stands on the topic: a stretch is not over before."""
    async with await psycopg.AsyncConnection.connect(desk.url.replace("+psycopg", ""), autocommit=True) as connection:
        left = "SELECT FROM metrics.figures WHERE key = ANY(%s) AND revision > published_revision LIMIT 1"
        while await (await connection.execute(left, (list(keys),))).fetchone() is not None:
            await asyncio.sleep(0.05)


def _chosen(at: int, stretch: int, waiting: list[int], dice: random.Random) -> list[int | None]:
    """After each ticket of a stretch, the one of any age that ends, if one does."""
    ending: list[int | None] = []
    for n in range(at, at + stretch):
        waiting.append(n)
        if len(waiting) <= (n + 1) // _OPEN:
            ending.append(None)
            continue
        chosen = dice.randrange(len(waiting))
        waiting[chosen], waiting[-1] = waiting[-1], waiting[chosen]
        ending.append(waiting.pop())
    return ending


def _stretch(desk: Figures, at: int, ending: Sequence[int | None]) -> Iterator[Outgoing]:
    for n, ended in enumerate(ending, at):
        for each in (*_story(n)[:2], *(() if ended is None else _story(ended)[2:])):
            yield Outgoing(desk.names.events, each.ticket_id, each.to_json())


def _story(n: int) -> Sequence[TicketEvent]:
    at = n % 100_000
    ends = at + 30 + n * 7_919 % _THREE_DAYS
    return Ticket(f"m{n}", n, _contact(n), _account(n)).mail(at).closed(ends).events


def _account(n: int) -> str:
    """One of those there are by then: a desk grows by customers, and each has about as many tickets as before."""
    return f"ma{n * 2_654_435_761 % 2**32 % (n // _OF_AN_ACCOUNT + 1)}"


def _contact(n: int) -> str:
    return f"mc{n * 9 // 10}"


def compared(young: Sequence[Measured], old: Sequence[Measured]) -> dict[str, Any]:
    """Medians of the stretches of two desks that went by turns, without those that warmed a worker up."""
    found: dict[str, Any] = {}
    for what, take in (("CPU µs per event", _us), ("MB of the worker", _mb)):
        pairs = [
            (take(first), take(last))
            for first, last in zip(young, old, strict=True)
            if not (first.warming_up or last.warming_up)
        ]
        found[f"figures from {young[0].tickets:,} tickets on, {what}"] = statistics.median(first for first, _ in pairs)
        found[f"figures to {old[-1].tickets:,} tickets, {what}"] = statistics.median(last for _, last in pairs)
        found[f"figures, last tickets × first by turns, {what}"] = statistics.median(
            last / first for first, last in pairs
        )
    return found


def _us(stretch: Measured) -> float:
    return stretch.us


def _mb(stretch: Measured) -> float:
    return stretch.worker_mb


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
