"""A process stopped at any boundary, or frozen beyond its session time-out, loses and doubles nothing."""

import os
import re
import signal
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

import psutil
import pytest

from bus.failpoints import POINTS
from tests.e2e.running import BIN, HASTY, Up, running
from tests.mails.client import Sent, send_all, write_ledger
from tests.mails.generator import GeneratedMail, generate

pytestmark = pytest.mark.stack

_ELSEWHERE = ("act.", "poll.", "clock.", "notify.", "figures.folding", "figures.before_exchange")
"""Points that mails alone do not pass: see test_killed, test_imap_killed, clocks, notifications, test_rebuild."""
FROZEN_SECONDS = 20
"""Longer than a consumer's session time-out, and than a leader's (15 s)."""


def _planned(plan: Mapping[str, int]) -> dict[str, str]:
    return {"DESKSTREAM_FAILPOINTS": ",".join(f"{point}=kill@{hit}" for point, hit in plan.items())} | HASTY


def _nothing_lost_or_doubled(up: Up, mails: Sequence[GeneratedMail], results: Sequence[Sent], ledger: Path) -> None:
    accepted = {one.mail.token for one in results if one.outcome == "accepted"}
    assert accepted == {mail.token for mail in mails}
    write_ledger(ledger, results)
    up.verify(ledger, wait=90)


def _stopped_at(up: Up) -> set[str]:
    """The failpoints that were passed often enough: each says so in its service's log."""
    said = "".join(path.read_text() for path in (up.data / "logs").glob("*.log"))
    return set(re.findall(r"^failpoint (\S+): kill$", said, re.MULTILINE))


def test_one_kill_in_each_process(data: Path, tmp_path: Path) -> None:
    plan = {
        "receive.after_emit": 30,
        "understand.after_publish": 1,
        "file.before_commit": 1,
        "figures.before_commit": 1,
    }
    mails = list(generate(120, seed=21, prefix="fail"))
    with running(data, environment=_planned(plan)) as up:
        results = send_all(up.smtp, mails[:20], persist=60)
        deadline = time.monotonic() + 60
        # the door's turn comes last: its process takes the understanding child with it
        while len(_stopped_at(up)) < 3 and time.monotonic() < deadline:
            time.sleep(0.1)
        results += send_all(up.smtp, mails[20:], persist=60)
        _nothing_lost_or_doubled(up, mails, results, tmp_path / "ledger")
        assert _stopped_at(up) == plan.keys()


@pytest.mark.long
@pytest.mark.parametrize("hit", [1, 3])
@pytest.mark.parametrize("point", [point for point in POINTS if not point.startswith(_ELSEWHERE)])
def test_kill_at_every_point(data: Path, tmp_path: Path, point: str, hit: int) -> None:
    mails = list(generate(120, seed=22, prefix="fail"))
    with running(data, environment=_planned({point: hit})) as up:
        results = send_all(up.smtp, mails, rate=120, persist=60)
        _nothing_lost_or_doubled(up, mails, results, tmp_path / "ledger")
        assert _stopped_at(up) == {point}


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
def test_freeze_beyond_the_session_time_out(data: Path, tmp_path: Path, victim: str) -> None:
    with running(data, environment=HASTY) as up:
        pid = up.pid(victim)
        family = [pid, *(child.pid for child in psutil.Process(pid).children(recursive=True))]
        _freeze_and_go_on(up, family, tmp_path, sum(victim.encode()))


@pytest.mark.long
def test_another_ticketing_takes_over_from_a_frozen_one(data: Path, tmp_path: Path) -> None:
    with running(data, environment=HASTY) as up:
        second = _second_ticketing(up)
        try:
            _freeze_and_go_on(up, [up.pid("ticketing")], tmp_path, 31)
            assert second.is_running()
        finally:
            second.terminate()
            second.wait(20)


def _second_ticketing(up: Up) -> psutil.Popen:
    with (up.data / "second.log").open("ab") as out:
        return psutil.Popen([BIN, "ticketing", "--data", up.data], stdout=out, stderr=out, env=os.environ | HASTY)
