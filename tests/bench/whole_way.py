"""The whole way: mails over SMTP until filed, published, answered and counted."""

import time
from collections.abc import Sequence
from dataclasses import dataclass

import psutil

from tests.bench.cost import cpu_seconds, spent
from tests.bench.yardstick import standard_library_us
from tests.e2e.running import Up
from tests.mails.client import Sent, send_all
from tests.mails.generator import GeneratedMail

_SETTLED = """
SELECT (SELECT count(*) FROM desk.messages) + (SELECT count(*) FROM desk.settled),
       (SELECT count(*) FROM desk.replies WHERE state = 'queued'),
       (SELECT coalesce(sum(next_offset), 0) FROM metrics.progress)
"""


@dataclass(frozen=True, slots=True)
class Run:
    """One measured run."""

    mails_per_second: float
    accepted_per_second: float
    cpu_us: float
    yardstick_us: float
    by_process: dict[str, float]


def measure(up: Up, mails: Sequence[GeneratedMail], *, sessions: int = 4) -> Run:
    """Send them all as fast as they are taken and wait until everything has come to rest."""
    yardstick = standard_library_us(mails)
    names = _names(up)
    with up.database() as database:
        row = database.execute(_SETTLED).fetchone()
        assert row
        target = row[0] + len(mails)
        before = cpu_seconds(up.processes())
        began = time.time()
        sent: list[Sent] = send_all(up.smtp, mails, sessions=sessions, per_session=50)
        taken = time.time() - began
        assert all(one.outcome == "accepted" for one in sent), "a mail was not accepted"
        rest, still = began, 0
        last: tuple[int, ...] = ()
        while still < 15:
            row = database.execute(_SETTLED).fetchone()
            assert row
            assert time.time() - began < 120, f"not settled: {row}, wanted {target}"
            if tuple(row) != last or row[0] < target or row[1]:
                last, rest, still = tuple(row), time.time(), 0
            else:
                still += 1
            time.sleep(0.04)
        after = cpu_seconds(up.processes())
    names |= _names(up)
    shares: dict[str, float] = {}
    for pid, seconds in after.items():
        name = names.get(pid, "other")
        shares[name] = shares.get(name, 0.0) + (seconds - before.get(pid, 0.0)) / len(mails) * 1e6
    return Run(
        mails_per_second=len(mails) / (rest - began),
        accepted_per_second=len(mails) / taken,
        cpu_us=spent(before, after) / len(mails) * 1e6,
        yardstick_us=yardstick,
        by_process={name: round(share) for name, share in shares.items()},
    )


def _names(up: Up) -> dict[int, str]:
    """Each process by the name of the part it belongs to."""
    parts = {int(part["pid"]): str(part["name"]) for part in up.endpoints()["processes"]}
    names: dict[int, str] = {}
    for process in up.processes():
        try:
            chain = [process, *process.parents()]
        except psutil.NoSuchProcess:
            continue
        owner = next((parts[p.pid] for p in chain if p.pid in parts), "up")
        names[process.pid] = owner if process.pid in parts or owner == "postgres" else f"{owner} child"
    return names | {up.pid("up"): "up"}
