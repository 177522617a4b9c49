"""Whatever ends `up`, nothing of it is left, and the next one goes on."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil
import pytest

from deploy.supervise import folder as module
from deploy.supervise.child import Command, leash, spawn
from deploy.supervise.folder import FolderHeld, birth, clear_leftovers, hold, record_children


@contextmanager
def toy_up(folder: Path) -> Iterator[tuple[subprocess.Popen[str], list[psutil.Process]]]:
    process = subprocess.Popen(
        (sys.executable, "-m", "tests.deploy.toys", str(folder)), stdout=subprocess.PIPE, text=True
    )
    children: list[psutil.Process] = []
    try:
        assert process.stdout
        children = [psutil.Process(pid) for pid in json.loads(process.stdout.readline())]
        assert len(children) == 2
        yield process, children
    finally:
        process.kill()
        process.communicate()
        for child in children:
            if child.is_running():
                child.kill()


def test_a_killed_up_leaves_no_process_and_the_next_one_starts(tmp_path: Path) -> None:
    with toy_up(tmp_path) as (process, children):
        process.kill()
        psutil.wait_procs(children, timeout=5)
        assert [it for it in children if it.is_running()] == []
        with toy_up(tmp_path) as (_, others):
            assert {it.pid for it in others}.isdisjoint(it.pid for it in children)


def test_sigterm_ends_up_and_all_its_processes_even_deaf_ones(tmp_path: Path) -> None:
    with toy_up(tmp_path) as (process, children):
        process.terminate()
        assert process.wait(10) == 0
        assert [it for it in children if it.is_running()] == []


def test_a_second_up_names_the_process_that_holds_the_folder(tmp_path: Path) -> None:
    with toy_up(tmp_path) as (process, _):
        with pytest.raises(FolderHeld, match=rf"process {process.pid} already"), hold(tmp_path):
            pass
        second = subprocess.run(
            (sys.executable, "-m", "tests.deploy.toys", str(tmp_path)), capture_output=True, text=True, check=False
        )
        assert second.returncode == 1
        assert f"process {process.pid} " in second.stdout
        assert len(second.stdout.splitlines()) == 1


def test_a_child_whose_parent_has_already_gone_gives_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "getpid", lambda: 1)  # as if the parent that prepared the leash were another
    hold_on = leash(signal.SIGKILL)
    monkeypatch.undo()
    assert hold_on
    pid = os.fork()
    if pid == 0:
        hold_on()
        os._exit(0)
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 70


def test_leftovers_that_do_not_go_are_killed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "LEAVE_SECONDS", 0.2)
    process = spawn(Command(("sleep", "600")), tmp_path / "log")
    record_children(tmp_path, [process.pid])
    clear_leftovers(tmp_path)
    assert process.wait(5) == -signal.SIGKILL


def test_a_process_that_only_inherited_a_leftovers_number_is_left_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "LEAVE_SECONDS", 0.0)
    process = spawn(Command(("sleep", "600")), tmp_path / "log")
    try:
        (tmp_path / "run").mkdir()
        (tmp_path / "run" / "children.json").write_text(json.dumps({str(process.pid): "1"}))
        assert birth(process.pid) != "1"
        clear_leftovers(tmp_path)
        assert process.poll() is None
    finally:
        process.kill()
        process.wait()
