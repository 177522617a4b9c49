"""A process stopped at any boundary, or frozen beyond its session time-out, loses and doubles nothing."""

import os
import re
import signal
import time
from pathlib import Path

import psutil
import pytest

from bus.failpoints import POINTS
from tests.e2e.running import Up, running
from tests.mails.client import send_all, write_ledger
from tests.mails.generator import generate

pytestmark = pytest.mark.stack

ONE_OF_EACH_PROCESS = (
    "receive.after_emit=kill@3,understand.after_publish=kill@2,file.before_commit=kill@2,figures.before_commit=kill@2"
)
HASTY = {"DESKSTREAM_KAFKA__SESSION_TIMEOUT": "6"}
FROZEN_SECONDS = 20
"""Longer than a consumer's session time-out, and than a leader's (15 s)."""


def _run(data: Path, plan: str, seed: int) -> None:
    mails = list(generate(120, seed=seed, prefix="fail"))
    with running(data, environment={"DESKSTREAM_FAILPOINTS": plan} | HASTY) as up:
        results = send_all(up.smtp, mails, rate=120, persist=60)
        accepted = {one.mail.token for one in results if one.outcome == "accepted"}
        assert accepted == {mail.token for mail in mails}
        write_ledger(data / "ledger", results)
        up.verify(data / "ledger", wait=90)
        assert _stopped_at(up) == {point.partition("=")[0] for point in plan.split(",")}


def _stopped_at(up: Up) -> set[str]:
    """The failpoints that were passed often enough: each says so in its service's log."""
    said = "".join(path.read_text() for path in (up.data / "logs").glob("*.log"))
    return set(re.findall(r"^failpoint (\S+): kill$", said, re.MULTILINE))


def test_one_kill_in_each_process(tmp_path: Path) -> None:
    _run(tmp_path / "data", ONE_OF_EACH_PROCESS, 21)


@pytest.mark.long
@pytest.mark.parametrize("hit", [1, 3])
@pytest.mark.parametrize("point", POINTS)
def test_kill_at_every_point(tmp_path: Path, point: str, hit: int) -> None:
    _run(tmp_path / "data", f"{point}=kill@{hit}", 22)


def _freeze_and_go_on(up: Up, victims: list[int], tmp_path: Path, seed: int) -> None:
    mails = list(generate(200, seed=seed, prefix="frozen"))
    results = send_all(up.smtp, mails[:100])
    for pid in victims:
        os.kill(pid, signal.SIGSTOP)
    try:
        time.sleep(FROZEN_SECONDS)
    finally:
        for pid in victims:
            if psutil.pid_exists(pid):
                os.kill(pid, signal.SIGCONT)
    results += send_all(up.smtp, mails[100:], persist=60)
    write_ledger(tmp_path / "ledger", results)
    up.verify(tmp_path / "ledger", wait=120)


@pytest.mark.long
@pytest.mark.parametrize("victim", ["connector", "ticketing", "metrics", "kafka", "postgres"])
def test_freeze_beyond_the_session_time_out(tmp_path: Path, victim: str) -> None:
    with running(tmp_path / "data", environment=HASTY) as up:
        pid = up.pid(victim)
        family = [pid, *(child.pid for child in psutil.Process(pid).children(recursive=True))]
        _freeze_and_go_on(up, family, tmp_path, sum(victim.encode()))


@pytest.mark.long
def test_another_ticketing_takes_over_from_a_frozen_one(tmp_path: Path) -> None:
    with running(tmp_path / "data", environment=HASTY) as up:
        second = _second_ticketing(up)
        try:
            _freeze_and_go_on(up, [up.pid("ticketing")], tmp_path, 31)
            assert second.is_running()
        finally:
            second.terminate()
            second.wait(20)


def _second_ticketing(up: Up) -> psutil.Popen:
    from tests.e2e.running import BIN

    with (up.data / "second.log").open("ab") as out:
        return psutil.Popen([BIN, "ticketing", "--data", up.data], stdout=out, stderr=out, env=os.environ | HASTY)
