"""Many tickets: what an event costs, and what the worker holds, from the first ten thousand tickets to the last.

`python -m tests.bench.million [--tickets N]`. Costs are CPU of the worker and of PostgreSQL, so that it may run beside
other work; each stretch is published, settled, and measured by itself. A third of the events end tickets that lie
anywhere in the past.
"""

import argparse
import asyncio
import json
import random
import statistics
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import psutil
from rich.console import Console
from rich.table import Table

from bus.record import Outgoing
from bus.ticket_event import TicketEvent
from tests.bench.cost import cpu_seconds
from tests.bench.figures import Place, settled
from tests.e2e.running import running
from tests.metrics_worker.histories import Ticket
from tests.metrics_worker.workers import Figures

_STRETCH = 10_000
_FEW = 3
"""Stretches at each end that are compared; the very first warms everything up."""


def main() -> None:
    """Measure, print, and write build/bench-million.json."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--tickets", type=int, default=1_000_000)
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args()
    folder = Path("build/bench-million-data")
    with running(folder) as up:
        found = asyncio.run(_measure(up.endpoints(), arguments.tickets, arguments.seed))
    Path("build/bench-million.json").write_text(json.dumps(found, indent=1))
    first, last = found[1 : 1 + _FEW], found[-_FEW:]
    table = Table("figure", "first tickets", "last tickets", "last ÷ first")
    for name in ("worker µs", "postgres µs", "both µs", "worker MB"):
        one, other = (statistics.median(each[name] for each in some) for some in (first, last))
        table.add_row(name, f"{one:,.1f}", f"{other:,.1f}", f"{other / one:.2f}")
    Console().print(table)


async def _measure(ends: Mapping[str, Any], tickets: int, seed: int) -> list[dict[str, float]]:
    desk = await Figures.make(Place(ends["kafka"], ends["database"]), partitions=12)  # type: ignore[arg-type]  # likewise
    dice, waiting = random.Random(seed), list[int]()
    found: list[dict[str, float]] = []
    try:
        worker = psutil.Process(desk.start().pid)
        postmaster = psutil.Process(next(each["pid"] for each in ends["processes"] if each["name"] == "postgres"))
        for at in range(0, tickets, _STRETCH):
            began = time.monotonic()
            before, server = cpu_seconds([worker]), _server(postmaster)
            events = list(_stretch(desk, at, waiting, dice))
            for part in range(0, len(events), 2_500):
                await desk.publisher.publish(events[part : part + 2_500])
            await settled(desk)
            mine = (cpu_seconds([worker])[worker.pid] - before[worker.pid]) / len(events) * 1e6
            theirs = (_server(postmaster) - server) / len(events) * 1e6
            found.append(
                {
                    "tickets": at + _STRETCH,
                    "worker µs": mine,
                    "postgres µs": theirs,
                    "both µs": mine + theirs,
                    "worker MB": worker.memory_info().rss / 1e6,
                    "events/s": len(events) / (time.monotonic() - began),
                }
            )
            print({name: round(value, 1) for name, value in found[-1].items()}, flush=True)
        return found
    finally:
        await desk.close()


def _stretch(desk: Figures, at: int, waiting: list[int], dice: random.Random) -> Iterator[Outgoing]:
    """Mails that open tickets, and after each the end of one of any age that is still open."""
    for n in range(at, at + _STRETCH):
        waiting.append(n)
        chosen = dice.randrange(len(waiting))
        waiting[chosen], waiting[-1] = waiting[-1], waiting[chosen]
        for each in (*_story(n)[:2], _story(waiting.pop())[2]):
            yield Outgoing(desk.names.events, each.ticket_id, each.to_json())


def _story(n: int) -> Sequence[TicketEvent]:
    at = n % 100_000
    return Ticket(f"m{n}", n, f"mc{n * 9 // 10}", f"ma{n % 5_000}").mail(at).closed(at + 30).events


def _server(postmaster: psutil.Process) -> float:
    """CPU of all of PostgreSQL, of workers that have ended too."""
    family = [postmaster, *postmaster.children(recursive=True)]
    own = sum(cpu_seconds(family).values())
    times = postmaster.cpu_times()
    return own + times.children_user + times.children_system


if __name__ == "__main__":
    main()
