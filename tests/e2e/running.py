"""A running `deskstream up`, its processes, and what it has filed so far."""

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import psutil
import psycopg

from deploy.starter_config import STARTER

BIN = Path(sys.executable).with_name("deskstream")
HASTY = {"DESKSTREAM_KAFKA__SESSION_TIMEOUT": "6"}
"""The partitions of a dead or frozen process are given to others after 6 s instead of 30."""

AUTHSERV = "mx.desk.example"


def with_a_server_in_front(data: Path, **more: str) -> None:
    """The configuration `up` would write, with a mail server on this machine whose verdicts on senders are believed.

    `more`: keys of `[threading]`.
    """
    data.mkdir(parents=True)
    front = f'authserv_id = "{AUTHSERV}"\ntrusted_networks = ["127.0.0.0/8"]\n'
    threading = "".join(f'{key} = "{value}"\n' for key, value in more.items())
    (data / "deskstream.toml").write_text(f"{STARTER}{front}[threading]\n{threading}")


class Up:
    """`deskstream up` on a data folder of its own."""

    def __init__(
        self, data: Path, *, environment: Mapping[str, str] | None = None, options: Sequence[str] = ()
    ) -> None:
        self.data = data
        self._options = options
        self._environment = dict(environment or {})
        self.process: subprocess.Popen[bytes] | None = None
        self._counts: dict[str, int] | None = None

    def start(self, *, wait: float = 120.0) -> float:
        """Start and wait for ready; the seconds it took."""
        began = time.monotonic()
        self.data.mkdir(parents=True, exist_ok=True)
        with (self.data / "up.log").open("ab") as out:
            self.process = subprocess.Popen(
                [
                    BIN,
                    "up",
                    "--data",
                    self.data,
                    "--port",
                    "0",
                    "--intake-port",
                    "0",
                    "--smtp-port",
                    "0",
                    *self._options,
                ],
                stdout=out,
                stderr=subprocess.STDOUT,
                env=os.environ | self._environment,
                start_new_session=True,
            )
        self.wait_ready(wait)
        return time.monotonic() - began

    def wait_ready(self, wait: float = 120.0) -> None:
        """Until endpoints.json says ready. Raises AssertionError with the end of the log."""
        assert self.process
        deadline = time.monotonic() + wait
        while time.monotonic() < deadline:
            if self.process.poll() is not None:
                break
            with contextlib.suppress(OSError, ValueError):
                endpoints = self.endpoints()
                if endpoints["ready"] and endpoints["pid"] == self.process.pid:
                    return
            time.sleep(0.05)
        raise AssertionError("not ready; the log ends:\n" + (self.data / "up.log").read_text()[-4_000:])

    def endpoints(self) -> dict[str, Any]:
        """What endpoints.json says now."""
        found: dict[str, Any] = json.loads((self.data / "endpoints.json").read_text())
        return found

    def smtp(self) -> str:
        """`host:port` of the SMTP door. Raises ConnectionError while there is none."""
        self._counts = None  # whoever asks is about to send
        address = self.endpoints()["smtp"]
        if address is None:
            raise ConnectionError("the SMTP connector is not up")
        return str(address)

    def pid(self, name: str) -> int:
        """The present pid of a process by its name in endpoints.json; `up` is the supervisor."""
        if name == "up":
            return int(self.endpoints()["pid"])
        return next(int(p["pid"]) for p in self.endpoints()["processes"] if p["name"] == name)

    def processes(self) -> list[psutil.Process]:
        """The supervisor and everything below it."""
        assert self.process
        top = psutil.Process(self.process.pid)
        return [top, *top.children(recursive=True)]

    def stop(self, *, wait: float = 30.0) -> int:
        """Ctrl-C, and the exit status."""
        assert self.process
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGINT)
        return self.process.wait(wait)

    def command(self, *arguments: str, check: bool = True) -> subprocess.CompletedProcess[str]:
        """Run a `deskstream` command beside it."""
        done = subprocess.run(
            [BIN, *arguments, "--data", self.data], capture_output=True, text=True, timeout=300, check=False
        )
        assert not check or done.returncode == 0, f"{arguments}: {done.returncode}\n{done.stdout}\n{done.stderr}"
        return done

    def json(self, *arguments: str) -> list[Any]:
        """A command's `--json` lines."""
        return [json.loads(line) for line in self.command(*arguments, "--json").stdout.splitlines()]

    def verify(self, ledger: Path | None = None, wait: int = 90) -> dict[str, Any]:
        """`deskstream verify --json`; raises AssertionError with the broken checks."""
        more = ("--ledger", str(ledger)) if ledger else ()
        done = self.command("verify", "--wait", str(wait), *more, "--json", check=False)
        assert done.stdout.strip(), f"verify: {done.returncode}\n{done.stderr[-3_000:]}"
        verdict: dict[str, Any] = json.loads(done.stdout)
        broken = [one for one in verdict["checks"] if not one["ok"]]
        assert verdict["ok"], json.dumps(broken, indent=1)[:6_000]
        self._counts = verdict["counts"]
        return verdict

    def counts(self) -> dict[str, int]:
        """What `verify` counts; as it did the last time, when nothing has been sent since."""
        if self._counts is None:
            self.verify()
        assert self._counts is not None
        return self._counts

    @contextlib.contextmanager
    def database(self) -> Iterator[psycopg.Connection[Any]]:
        """A connection of the tester's own."""
        url = str(self.endpoints()["database"]).replace("postgresql+psycopg://", "postgresql://")
        with psycopg.connect(url, autocommit=True) as connection:
            yield connection


@contextlib.contextmanager
def running(data: Path, *, environment: Mapping[str, str] | None = None, options: Sequence[str] = ()) -> Iterator[Up]:
    """A started `up`, stopped (or killed) at the end."""
    up = Up(data, environment=environment, options=options)
    try:
        up.start()
        yield up
    finally:
        kill_tree(up)


def kill_tree(up: Up) -> None:
    """Stop it cleanly, or not."""
    if up.process is None:
        return
    try:
        up.stop(wait=15)
    except subprocess.TimeoutExpired:
        for process in _tree(up.process.pid):
            with contextlib.suppress(psutil.Error):
                process.kill()
        up.process.wait(10)


def _tree(pid: int) -> Sequence[psutil.Process]:
    try:
        top = psutil.Process(pid)
        return [*top.children(recursive=True), top]
    except psutil.Error:
        return []
