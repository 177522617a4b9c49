"""`doctor`: all is well, or what is not, by name."""

import os
import signal
from pathlib import Path

import pytest

from tests.e2e.running import Up

pytestmark = pytest.mark.stack


def test_all_is_well(up: Up) -> None:
    up.wait_ready()
    found = {one["name"]: one["problem"] for one in up.json("doctor", "--wait", "20")}
    assert set(found.values()) == {None}
    assert found.keys() >= {"kafka", "topics", "database", "blob store", "service connector", "service ticketing"}


def test_a_service_that_does_not_answer_is_named(up: Up) -> None:
    pid = up.pid("metrics")
    os.kill(pid, signal.SIGSTOP)
    try:
        done = up.command("doctor", check=False)
    finally:
        os.kill(pid, signal.SIGCONT)
    assert done.returncode == 1
    assert "service metrics" in done.stdout + done.stderr


def test_without_a_running_up_it_says_what_is_missing(tmp_path: Path) -> None:
    done = Up(tmp_path).command("doctor", check=False)
    assert done.returncode == 1
    said = done.stdout + done.stderr
    assert "does not answer" in said
    assert "start `deskstream up`" in said
    assert "Traceback" not in said
