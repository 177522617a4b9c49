"""Failpoints: the plan, and what each action does at which passing."""

import signal
import subprocess
import sys
import time

import psutil
import pytest

from bus.errors import ConfigError
from bus.failpoints import POINTS, parse_failpoints


def test_the_plan_names_points_actions_and_passings() -> None:
    assert parse_failpoints("") == {}
    assert parse_failpoints("file.before_commit=kill@2,relay.after_publish=stop") == {
        "file.before_commit": ("kill", 2),
        "relay.after_publish": ("stop", 1),
    }


@pytest.mark.parametrize("text", ["nowhere=kill", "file.before_commit=jump", "file.before_commit=kill@x", "file"])
def test_a_plan_that_means_nothing_is_refused_with_the_points_there_are(text: str) -> None:
    with pytest.raises(ConfigError, match="DESKSTREAM_FAILPOINTS") as caught:
        parse_failpoints(text)
    assert all(point in str(caught.value) for point in POINTS)


PASSING = """
from bus.failpoints import failpoint
from bus.errors import Retryable
for n in range(4):
    print(n, flush=True)
    try:
        failpoint("file.before_commit")
        failpoint("file.after_commit")
    except Retryable as error:
        print(error, flush=True)
"""


def run(plan: str) -> subprocess.Popen[str]:
    environment = {"DESKSTREAM_FAILPOINTS": plan, "PATH": ""}
    return subprocess.Popen(
        [sys.executable, "-c", PASSING], env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )


def test_kill_ends_the_process_at_the_passing_named() -> None:
    process = run("file.before_commit=kill@3")
    out, said = process.communicate(timeout=30)
    assert out.split() == ["0", "1", "2"]
    assert said == "failpoint file.before_commit: kill\n"
    assert process.returncode == -signal.SIGKILL


def test_stop_freezes_it_and_it_can_go_on() -> None:
    process = run("file.before_commit=stop@2")
    assert process.stdout is not None
    assert [process.stdout.readline() for _ in range(2)] == ["0\n", "1\n"]
    deadline = time.monotonic() + 20
    while psutil.Process(process.pid).status() != psutil.STATUS_STOPPED:
        assert time.monotonic() < deadline
        time.sleep(0.02)
    process.send_signal(signal.SIGCONT)
    assert process.communicate(timeout=30)[0].split() == ["2", "3"]
    assert process.returncode == 0


def test_raise_fails_once_with_retryable_and_without_a_plan_nothing_happens() -> None:
    assert run("file.after_commit=raise").communicate(timeout=30)[0].splitlines() == [
        "0",
        "failpoint file.after_commit",
        "1",
        "2",
        "3",
    ]
    assert run("").communicate(timeout=30)[0].split() == ["0", "1", "2", "3"]
