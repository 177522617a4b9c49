"""Start one child process that cannot outlive the process that started it."""

import asyncio
import ctypes
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

PR_SET_PDEATHSIG = 1  # <linux/prctl.h>
POLL_SECONDS = 0.05


@dataclass(frozen=True, slots=True)
class Account:
    """The system account a child runs as."""

    uid: int
    gid: int


@dataclass(frozen=True, slots=True)
class Command:
    """What to run and how to end it.

    `env` is laid over this process's environment (None removes a name). `stop_signal` asks for an orderly end;
    `death_signal` is what the kernel sends when the starting process is gone.
    """

    argv: Sequence[str]
    env: Mapping[str, str | None] = field(default_factory=dict)
    cwd: Path | None = None
    account: Account | None = None
    stop_signal: signal.Signals = signal.SIGTERM
    death_signal: signal.Signals = signal.SIGKILL


def spawn(command: Command, log: Path) -> subprocess.Popen[bytes]:
    """Start `command` in a session of its own, its output appended to `log` (mode 0600).

    Call it from a thread that lives as long as this process: Linux sends the death signal when the *thread*
    that forked ends. The session keeps a terminal's Ctrl-C from reaching the child before its turn.
    Raises OSError when the program cannot be started.
    """
    account = command.account
    environment = {name: value for name, value in {**os.environ, **command.env}.items() if value is not None}
    log.parent.mkdir(parents=True, exist_ok=True)
    output = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    try:
        return subprocess.Popen(  # noqa: S603 - what runs is what this program composed
            list(command.argv),
            env=environment,
            cwd=command.cwd,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            start_new_session=True,
            user=account.uid if account else None,
            group=account.gid if account else None,
            extra_groups=[] if account else None,
            preexec_fn=leash(command.death_signal),  # noqa: PLW1509 - one prepared system call, no locks
        )
    finally:
        os.close(output)


def leash(death_signal: signal.Signals) -> Callable[[], None] | None:
    """What a child of this process calls between fork and exec so that it dies with it; None where that cannot be.

    It runs after a change of account, because that change clears the setting. A parent that died before the
    call would never be noticed, so the child compares its parent once more and gives up when it has changed.
    """
    if sys.platform != "linux":
        return None
    prctl = ctypes.CDLL(None, use_errno=True).prctl
    parent, number = os.getpid(), int(death_signal)

    def hold() -> None:
        if prctl(PR_SET_PDEATHSIG, number, 0, 0, 0) != 0 or os.getppid() != parent:
            os._exit(70)

    return hold


async def ended(process: subprocess.Popen[bytes]) -> int:
    """Wait for the end of a child; its exit status, negative for a signal."""
    # Asking is what works alike on every system and event loop, without a thread per child.
    while (status := process.poll()) is None:  # noqa: ASYNC110
        await asyncio.sleep(POLL_SECONDS)
    return status


async def finished(command: Command, log: Path) -> None:
    """Run a command to its end. Raises ToolFailed with its last line when it did not succeed."""
    process = spawn(command, log)
    try:
        status = await ended(process)
    finally:
        if process.poll() is None:
            kill_group(process.pid)
            process.wait()
    if status != 0:
        raise ToolFailed(f"{Path(command.argv[0]).name} ended with status {status}: {last_line(log)} (see {log})")


class ToolFailed(Exception):
    """A preparing step did not succeed. The text is its last line and where the others are."""


async def stop(process: subprocess.Popen[bytes], stop_signal: signal.Signals, grace: float) -> None:
    """Ask a child to end; after `grace` seconds end it. What it started in its session ends with it."""
    if process.poll() is None:
        process.send_signal(stop_signal)
        try:
            await asyncio.wait_for(ended(process), grace)
        except TimeoutError:
            process.kill()
            await ended(process)
    kill_group(process.pid)


def kill_group(pid: int) -> None:
    """End whatever is left of the session this child led; nothing when that is nothing."""
    try:
        os.killpg(pid, signal.SIGKILL)
    except (ProcessLookupError, PermissionError):
        return


def last_line(log: Path) -> str:
    """The last line of a log that is not empty."""
    try:
        tail = log.read_bytes()[-4096:].decode("utf-8", "replace")
    except OSError:
        return "no output"
    return next((line.strip() for line in reversed(tail.splitlines()) if line.strip()), "no output")
