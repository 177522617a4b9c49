"""A process that dies while an act is done leaves all of it or nothing; the same key then does it, or finds it done."""

import asyncio
import os
import signal
import subprocess
import sys

import pytest

from bus.failpoints import POINTS
from tests.ticketing.filing.conftest import Desk
from tests.ticketing.filing.said import said

pytestmark = pytest.mark.stack
OURS = [point for point in POINTS if point.startswith("act.")]


def act(url: str, point: str | None) -> subprocess.CompletedProcess[str]:
    """One answer in a process of its own."""
    told = {"DESKSTREAM_FAILPOINTS": f"{point}=kill@1"} if point else {}
    return subprocess.run(
        [sys.executable, "-m", "tests.ticketing.acts.one_act", url, "key-1"],
        env=os.environ | told,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def test_there_are_points_to_die_at() -> None:
    assert OURS == ["act.before_outbox", "act.before_commit", "act.after_commit"]


@pytest.mark.parametrize("point", OURS)
async def test_all_or_nothing(desk: Desk, point: str) -> None:
    await desk.file(said("a"))
    before = await desk.history(1)
    killed = await asyncio.to_thread(act, desk.url, point)
    assert killed.returncode == -signal.SIGKILL, killed.stderr
    whole = [len(before) + 2, 2, 1, 1, 1]
    counts = (
        "SELECT (SELECT version FROM desk.tickets), (SELECT count(*) FROM desk.outgoing) - 1, "
        "(SELECT count(*) FROM desk.answers), (SELECT count(*) FROM desk.participants), "
        "(SELECT count(*) FROM desk.acts)"
    )
    [found] = await desk.rows(counts)
    assert list(found) == (whole if point == "act.after_commit" else [len(before), 0, 0, 0, 0])
    again = await asyncio.to_thread(act, desk.url, None)
    assert again.stdout.split() == [str(len(before) + 2)], again.stderr
    [found] = await desk.rows(counts)
    assert list(found) == whole
    assert await desk.history(1) == [*before, "updated", "replied"]
