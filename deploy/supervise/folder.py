"""One `up` per data folder, and nothing left of the one before."""

import contextlib
import fcntl
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterable, Iterator
from pathlib import Path

from bus.whole_file import write_atomically
from deploy.supervise.child import kill_group

LEAVE_SECONDS = 2.0
"""How long what a killed `up` left behind may take to follow it before it is killed."""


class FolderHeld(Exception):
    """Another process works on this folder. The text names it."""


@contextlib.contextmanager
def hold(folder: Path) -> Iterator[None]:
    """Hold `folder` for this process; the hold ends with the process, however it ends. Raises FolderHeld."""
    folder.mkdir(parents=True, exist_ok=True)
    file = os.open(folder / "up.pid", os.O_RDWR | os.O_CREAT, 0o600)
    try:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            holder = os.pread(file, 32, 0).decode("ascii", "replace").strip() or "just started"
            raise FolderHeld(
                f"process {holder} already runs `deskstream up` on {folder}: stop it, or choose another --data"
            ) from None
        os.truncate(file, 0)
        os.pwrite(file, f"{os.getpid()}\n".encode("ascii"), 0)
        yield
    finally:
        os.close(file)


def record_children(folder: Path, pids: Iterable[int]) -> None:
    """Note which processes run on this folder, for the next `up` in case this one is killed."""
    births = {str(pid): birth(pid) for pid in pids}
    write_atomically(folder / "run" / "children.json", json.dumps(births).encode())


def clear_leftovers(folder: Path) -> None:
    """Wait for what a killed `up` left behind to end, and end what does not. Call it while holding the folder."""
    try:
        births = json.loads((folder / "run" / "children.json").read_bytes())
    except (OSError, ValueError):
        return
    left = {int(pid): born for pid, born in births.items() if born is not None}
    deadline = time.monotonic() + LEAVE_SECONDS
    while left := {pid: born for pid, born in left.items() if birth(pid) == born}:
        if time.monotonic() > deadline:
            for pid in left:
                kill_group(pid)
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
        time.sleep(0.05)


def birth(pid: int) -> str | None:
    """When this process began, in the system's own words; None when it is gone. Tells a reused pid from the old one."""
    if sys.platform == "linux":
        try:
            fields = Path(f"/proc/{pid}/stat").read_text("utf-8", "replace").rpartition(")")[2].split()
        except OSError:
            return None
        return None if fields[0] == "Z" else fields[19]
    shown = subprocess.run(  # noqa: S603 - a fixed program and a number
        ("/bin/ps", "-o", "lstart=", "-p", str(pid)), capture_output=True, text=True, check=False
    )
    return shown.stdout.strip() or None
