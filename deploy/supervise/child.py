"""Start one child process that cannot outlive the process that started it."""

import ctypes
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

PR_SET_PDEATHSIG = 1  # <linux/prctl.h>


@dataclass(frozen=True, slots=True)
class Account:
    """The system account a child runs as."""

    uid: int
    gid: int


@dataclass(frozen=True, slots=True)
class Command:
    """What to run and how to end it.

    `env` is added to this process's environment. `stop_signal` asks for an orderly end; `death_signal` is what
    the kernel sends when the starting process is gone.
    """

    argv: Sequence[str]
    env: Mapping[str, str] = field(default_factory=dict)
    cwd: Path | None = None
    account: Account | None = None
    stop_signal: signal.Signals = signal.SIGTERM
    death_signal: signal.Signals = signal.SIGKILL


def spawn(command: Command, log: Path | None) -> subprocess.Popen[bytes]:
    """Start `command` in a session of its own, its output appended to `log` (None: inherited).

    Call it from a thread that lives as long as this process: Linux sends the death signal when the *thread*
    that forked ends. The session keeps a terminal's Ctrl-C from reaching the child before its turn.
    Raises OSError when the program cannot be started.
    """
    account = command.account
    output = None
    if log is not None:
        log.parent.mkdir(parents=True, exist_ok=True)
        output = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    try:
        return subprocess.Popen(  # noqa: S603 - what runs is what this program composed
            list(command.argv),
            env={**os.environ, **command.env},
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
        if output is not None:
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


def stop_all(processes: Sequence[tuple[subprocess.Popen[bytes], Command]], grace: float) -> None:
    """Ask every process to end at the same time; after `grace` seconds end those that have not."""
    for process, command in processes:
        if process.poll() is None:
            process.send_signal(command.stop_signal)
    for process, _ in processes:
        try:
            process.wait(grace)
        except subprocess.TimeoutExpired:
            kill_group(process.pid)
            process.wait()


def kill_group(pid: int) -> None:
    """End the process and what it started in its session, at once; nothing when they are gone."""
    try:
        os.killpg(pid, signal.SIGKILL)
    except (ProcessLookupError, PermissionError):
        return
