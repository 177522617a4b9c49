"""What processes have cost: CPU by /proc, memory as summed PSS (each shared page counted once)."""

import contextlib
from collections.abc import Iterable, Mapping
from pathlib import Path

import psutil


def cpu_seconds(processes: Iterable[psutil.Process]) -> Mapping[int, float]:
    """User and system time of each, its waited-for children included."""
    found: dict[int, float] = {}
    for process in processes:
        with contextlib.suppress(psutil.Error):
            times = process.cpu_times()
            found[process.pid] = times.user + times.system
    return found


def spent(before: Mapping[int, float], after: Mapping[int, float]) -> float:
    """CPU seconds between two readings; a process that is new counts whole."""
    return sum(seconds - before.get(pid, 0.0) for pid, seconds in after.items())


def pss_megabytes(processes: Iterable[psutil.Process]) -> Mapping[str, float]:
    """Proportional set size by process, in MB."""
    found: dict[str, float] = {}
    for process in processes:
        with contextlib.suppress(psutil.Error, OSError):
            rollup = Path(f"/proc/{process.pid}/smaps_rollup").read_text()
            kilobytes = next(int(line.split()[1]) for line in rollup.splitlines() if line.startswith("Pss:"))
            found[f"{process.name()}:{process.pid}"] = kilobytes / 1024
    return found
