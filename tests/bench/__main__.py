"""`make bench`: medians of at least three runs, each beside its yardstick; a table and build/bench.json."""

import argparse
import json
import shutil
import statistics
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from tests.bench import api as api_part
from tests.bench import chat, filing, filing_at_size, intake, latency, million, normalizer, whole_way
from tests.bench import figures as figures_part
from tests.bench.cost import pss_megabytes
from tests.e2e.running import Up, running
from tests.mails.generator import generate

MILLION = "million"
"""A quarter of an hour or more; stopped, it goes on where it was. Only when asked for."""
PARTS = ("up", "normalizer", "filing", "size", "whole", "latency", "figures", "intake", "chat", "api", "memory")
GOALS = {
    **normalizer.GOALS,
    **{f"folder: {name}": goal for name, goal in normalizer.GOALS.items()},
    **intake.GOALS,
    **million.GOALS,
    **chat.GOALS,
    "whole way, mails/s": "≥ 520",
    "whole way, CPU × yardstick": "≤ 3",
    "filing × bare loop": "≥ 0.3",
    "filing at 1,000,000 × at 10,000, wall ms": "≤ 1.3",
    "filing at 1,000,000 × at 10,000, CPU ms": "≤ 1.3",
    "250 → ticket visible at 200/s, p50 ms": "≤ 50",
    "250 → ticket visible at 200/s, p99 ms": "≤ 250",
    "event → figure (topic) at 200/s, p50 ms": "≤ 100",
    "event → figure (topic) at 200/s, p99 ms": "≤ 500",
    "event → figure (database) at 200/s, p50 ms": "≤ 100",
    "event → figure (database) at 200/s, p99 ms": "≤ 500",
    "figures: rebuild × read and decode": "≥ 0.4",
    **{f"API: {kind} at 50/s, p95 ms": "≤ 100" for kind in ("list", "open", "search")},
    "API: acts/s": "≥ 150",
    "up to ready, s": "≤ 10",
    "memory of all processes, MB": "≤ 1200",
}


def main() -> None:
    """Measure the parts asked for."""
    parser = argparse.ArgumentParser(prog="make bench", description=__doc__)
    parser.add_argument("parts", nargs="*", default=PARTS, help=f"of {', '.join(PARTS)} (all by default), {MILLION}")
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--mails", type=int, default=2_000)
    parser.add_argument("--size", type=int, default=1_000_000, help="messages on file when filing is tried at a size")
    parser.add_argument("--tickets", type=int, default=10_000, help="for `api`; the goals are meant for a million")
    parser.add_argument("--grow-to", type=int, default=1_000_000, help="tickets, for `million`")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--folder", type=Path, help="mails on which to try the normalizer as well")
    arguments = parser.parse_args()
    parts: Sequence[str] = arguments.parts or PARTS
    figures: dict[str, Any] = {}
    console = Console()
    build = Path("build")
    build.mkdir(exist_ok=True)

    def take(found: dict[str, Any]) -> None:
        figures.update(found)
        for name, value in found.items():
            console.print(f"  {name}: {value}", highlight=False)

    if MILLION in parts:
        take(million.measure(build / "bench-million-data", arguments.grow_to, arguments.seed, console.print))
    if "normalizer" in parts:
        take(_normalizer(arguments))
    if {"filing", "size", "whole", "latency", "figures", "intake", "chat", "api", "memory", "up"} & set(parts):
        folder = build / "bench-data"
        if "up" in parts:
            take({"up to ready, s": _median(arguments.runs, lambda _: _ready(folder))})
        shutil.rmtree(folder, ignore_errors=True)
        with running(folder) as up:
            _measure_running(up, arguments, parts, take)
        shutil.rmtree(folder, ignore_errors=True)
    (build / "bench.json").write_text(json.dumps(figures, indent=1))
    table = Table("figure", "measured", "goal")
    for name, value in figures.items():
        shown = f"{value:,.2f}" if isinstance(value, float) else str(value)
        table.add_row(name, shown, GOALS.get(name, ""))
    console.print(table)


def _measure_running(
    up: Up, arguments: argparse.Namespace, parts: Sequence[str], take: Callable[[dict[str, Any]], None]
) -> None:
    count, seed = arguments.mails, arguments.seed
    alone: dict[str, Callable[[], dict[str, Any]]] = {
        "filing": lambda: filing.measure(up.endpoints()["database"], count, arguments.runs, seed),
        "size": lambda: filing_at_size.measure(up.endpoints()["database"], arguments.size, 2 * arguments.runs),
        "figures": lambda: figures_part.measure(up, 20 * count, arguments.runs),
        "intake": lambda: dict(intake.measure(up, count, arguments.runs)),
        "chat": lambda: dict(chat.measure(up)),
        "api": lambda: api_part.measure(up.endpoints()["database"], arguments.tickets),
    }
    for part, measured in alone.items():
        if part in parts:
            take(measured())
    if set(parts) <= {*alone, "up"}:
        return
    whole_way.measure(up, generate(2_000, seed=seed + 90, prefix="warm"))
    if "whole" in parts:
        runs = [whole_way.measure(up, generate(count, seed=seed + n, prefix=f"run{n}")) for n in range(arguments.runs)]
        take(
            {
                "whole way, mails/s": statistics.median(run.mails_per_second for run in runs),
                "whole way, accepted/s": statistics.median(run.accepted_per_second for run in runs),
                "whole way, CPU µs per mail": statistics.median(run.cpu_us for run in runs),
                "yardstick, CPU µs per mail": statistics.median(run.yardstick_us for run in runs),
                "whole way, CPU × yardstick": statistics.median(run.cpu_us / run.yardstick_us for run in runs),
                "CPU µs per mail by process": runs[-1].by_process,
            }
        )
    if "latency" in parts:
        for rate in (50, 200):
            found = latency.measure(up, generate(rate * 10, seed=seed + rate, prefix=f"lat{rate}"), rate)
            names = {"visible": "ticket visible", "published": "event published"}
            for key, value in found.items():
                what, which, _ = key.split("_")
                take({f"250 → {names[what]} at {rate}/s, {which} ms": value})
    if "memory" in parts:
        by_process = pss_megabytes(up.processes())
        take({"memory of all processes, MB": sum(by_process.values())})
        take({"MB by process": {name: round(size) for name, size in by_process.items() if size > 15}})
    up.verify()


def _normalizer(arguments: argparse.Namespace) -> dict[str, Any]:
    runs = max(arguments.runs, 5)
    found = dict(normalizer.measure(generate(arguments.mails, seed=arguments.seed), runs))
    if arguments.folder:
        theirs = normalizer.measure(normalizer.mails_in(arguments.folder), runs)
        found |= {f"folder: {name}": figure for name, figure in theirs.items()}
    return found


def _median(runs: int, one: Callable[[int], float]) -> float:
    return statistics.median(one(n) for n in range(runs))


def _ready(folder: Path) -> float:
    shutil.rmtree(folder, ignore_errors=True)
    up = Up(folder)
    try:
        return up.start()
    finally:
        up.stop()


if __name__ == "__main__":
    main()
