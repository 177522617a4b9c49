"""What the supervisor promises about one part: started, watched, started again, stopped."""

import asyncio
import errno
import os
import signal
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import psutil
import pytest

from deploy.supervise import supervisor as module
from deploy.supervise.part import Service, service_part
from deploy.supervise.supervisor import PartFailed, Supervisor, next_delay
from tests.deploy.toys import DEAF, SERVE, toy


@asynccontextmanager
async def supervised(folder: Path, *services: Service) -> AsyncIterator[Supervisor]:
    supervisor = Supervisor(folder / "logs")
    try:
        for service in services:
            supervisor.keep(service_part(service, folder))
        yield supervisor
    finally:
        await supervisor.stop(supervisor.parts, grace=1.0)


async def until(holds: Callable[[], bool]) -> None:
    async with asyncio.timeout(20):
        while not holds():
            await asyncio.sleep(0.02)


def pid_of(supervisor: Supervisor, name: str) -> int:
    process = supervisor.parts[name].process
    assert process
    return process.pid


async def test_a_service_serves_when_it_says_so_and_answers(tmp_path: Path) -> None:
    async with supervised(tmp_path, toy("one")) as supervisor:
        note = await supervisor.serving("one")
        assert note.ops
        assert note.ops.startswith("http://127.0.0.1:")
        assert note.more == {"smtp": "127.0.0.1:2525"}


async def test_a_service_that_answers_503_does_not_serve(tmp_path: Path) -> None:
    async with supervised(tmp_path, toy("one", SERVE.replace("200 if", "503 if"))) as supervisor:
        with pytest.raises(PartFailed, match="one does not serve after"):
            await supervisor.serving("one", patience=1.5)
        assert supervisor.parts["one"].process


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
async def test_what_dies_is_started_again(tmp_path: Path, number: signal.Signals) -> None:
    async with supervised(tmp_path, toy("one")) as supervisor:
        await supervisor.serving("one")
        first = pid_of(supervisor, "one")
        os.kill(first, number)
        await until(lambda: first not in supervisor.pids and supervisor.parts["one"].note is not None)
        assert pid_of(supervisor, "one") != first


async def test_what_is_frozen_is_ended_and_started_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "WATCH_PAUSE", 0.02)
    monkeypatch.setattr(module, "SILENCES", 2)
    async with supervised(tmp_path, toy("one")) as supervisor:
        await supervisor.serving("one")
        first = pid_of(supervisor, "one")
        await asyncio.sleep(0.3)
        assert pid_of(supervisor, "one") == first  # it answers, so it is left alone
        os.kill(first, signal.SIGSTOP)
        await until(lambda: first not in supervisor.pids and supervisor.parts["one"].note is not None)
    assert "one: does not answer and is killed" in (tmp_path / "logs" / "one.log").read_text()


async def test_what_needs_mending_is_told_and_not_started_again(tmp_path: Path) -> None:
    said: list[str] = []
    program = SERVE.replace("sys.exit(0)", "(print('too many records failed', flush=True), os._exit(3))")
    supervisor = Supervisor(tmp_path / "logs", given_up=lambda error: said.append(str(error)))
    supervisor.keep(service_part(toy("one", program), tmp_path))
    try:
        await supervisor.serving("one")
        os.kill(pid_of(supervisor, "one"), signal.SIGTERM)
        await until(lambda: bool(said))
        assert said[0].startswith("one is not started again: too many records failed (see ")
        assert (supervisor.pids, supervisor.parts["one"].starts) == ((), 1)
    finally:
        await supervisor.stop(supervisor.parts, grace=1.0)


async def test_a_full_disk_ends_no_watch(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What can be told to nobody, and logged nowhere, is started again all the same, and told later."""
    monkeypatch.setattr(module, "RETELL_PAUSE", 0.02)
    full, told = False, 0

    def changed() -> None:
        nonlocal told
        if full:
            raise OSError(errno.ENOSPC, "No space left on device")
        told += 1

    def no_log(name: str) -> Path:
        return Path("/dev/full") if full else tmp_path / "logs" / f"{name}.log"

    (tmp_path / "logs").mkdir()
    supervisor = Supervisor(tmp_path / "logs", changed)
    monkeypatch.setattr(supervisor, "_log", no_log)
    supervisor.keep(service_part(toy("one"), tmp_path))
    try:
        await supervisor.serving("one")
        first, full = pid_of(supervisor, "one"), True
        os.kill(first, signal.SIGKILL)
        await until(lambda: first not in supervisor.pids and supervisor.parts["one"].note is not None)
        before, full = told, False
        await until(lambda: told > before)
    finally:
        full = False
        await supervisor.stop(supervisor.parts, grace=1.0)


async def test_addresses_are_known_while_a_service_is_started_again(tmp_path: Path) -> None:
    async with supervised(tmp_path, toy("one")) as supervisor:
        await supervisor.serving("one")
        os.kill(pid_of(supervisor, "one"), signal.SIGKILL)
        await until(lambda: supervisor.parts["one"].note is None)
        known = supervisor.parts["one"].known
        assert known
        assert known.more == {"smtp": "127.0.0.1:2525"}


async def test_a_note_of_the_process_before_is_not_believed(tmp_path: Path) -> None:
    from deploy.supervise.part import read_note

    file = tmp_path / "one.json"
    file.write_text('{"pid": 1, "ops": "http://127.0.0.1:1"}')
    assert read_note(file, 1)
    assert read_note(file, 2) is None


async def test_a_part_waits_for_what_it_needs(tmp_path: Path) -> None:
    async with supervised(tmp_path, toy("first", "import time; time.sleep(60)"), toy("then", needs=("first",))) as kept:
        await until(lambda: kept.parts["first"].process is not None)
        await asyncio.sleep(0.3)
        assert kept.parts["then"].process is None


async def test_a_wrong_setting_is_told_in_the_services_words_and_not_tried_again(tmp_path: Path) -> None:
    program = "import sys; print('noise'); print('port 25 is in use; choose another'); sys.exit(2)"
    async with supervised(tmp_path, toy("one", program)) as supervisor:
        with pytest.raises(PartFailed, match="port 25 is in use; choose another"):
            await supervisor.serving("one")
        assert supervisor.parts["one"].starts == 1


async def test_what_never_comes_up_is_given_up_after_some_attempts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "FIRST_DELAY", 0.01)
    async with supervised(tmp_path, toy("one", "raise SystemExit('no luck')")) as supervisor:
        with pytest.raises(PartFailed, match="no luck"):
            await supervisor.serving("one")
        assert supervisor.parts["one"].starts == module.ATTEMPTS


async def test_a_missing_program_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "FIRST_DELAY", 0.01)
    async with supervised(tmp_path, Service("one", ("/no/such/program",))) as supervisor:
        with pytest.raises(PartFailed, match="/no/such/program"):
            await supervisor.serving("one")


def test_back_off_doubles_up_to_its_limit_and_begins_anew_after_a_steady_life() -> None:
    delays = [0.0]
    for _ in range(8):
        delays.append(next_delay(delays[-1], lived=1.0))
    assert delays[1:] == [0.2, 0.4, 0.8, 1.6, 3.2, 6.4, 10.0, 10.0]
    assert next_delay(10.0, lived=31.0) == 0.2


async def test_deaths_are_followed_by_longer_and_longer_pauses(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[float] = []

    def short(previous: float, *, lived: float) -> float:
        asked.append(previous)
        return 0.01 * len(asked)

    monkeypatch.setattr(module, "next_delay", short)
    async with supervised(tmp_path, Service("one", ("/no/such/program",))) as supervisor:
        with pytest.raises(PartFailed):
            await supervisor.serving("one")
    assert asked == [0.0, 0.01, 0.02]


async def test_what_does_not_listen_is_killed_and_its_children_with_it(tmp_path: Path) -> None:
    child = "import subprocess, sys; subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(600)'])\n"
    async with supervised(tmp_path, toy("one", child + DEAF)) as supervisor:
        await supervisor.serving("one")
        process = psutil.Process(pid_of(supervisor, "one"))
        tree = [process, *process.children(recursive=True)]
        assert len(tree) == 2
        await supervisor.stop(["one"], grace=0.2)
        psutil.wait_procs(tree, timeout=5)
        assert [it for it in tree if it.is_running()] == []


async def test_an_inherited_variable_can_be_taken_away(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DESKSTREAM_DATABASE", "postgresql://secret")
    program = "import os, sys; print(os.environ.get('DESKSTREAM_DATABASE', 'nothing')); sys.exit(2)"
    service = Service("one", (sys.executable, "-c", program), {"DESKSTREAM_DATABASE": None})
    async with supervised(tmp_path, service) as supervisor:
        with pytest.raises(PartFailed, match="nothing"):
            await supervisor.serving("one")
