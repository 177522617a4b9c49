"""Keep processes running: start, wait until they serve, watch, start again with back-off, stop in order."""

import asyncio
import contextlib
import subprocess
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import MappingProxyType

from bus.service import NEEDS_MENDING
from deploy.supervise.child import Command, ToolFailed, ended, kill_group, last_line, spawn, stop
from deploy.supervise.part import Note, Part

FIRST_DELAY, LONGEST_DELAY = 0.2, 10.0
STEADY_SECONDS = 30.0
"""A process that lived this long is started again without the delay its earlier deaths had earned."""
ATTEMPTS = 4
"""Starts that may fail before a part has served for the first time."""
RETELL_PAUSE = 1.0
MISCONFIGURED = 2
"""Exit status of a service whose settings are wrong: before it has served, starting it again would not help."""
WATCH_PAUSE, SILENCES = 5.0, 9
"""Seconds between two questions to a service that serves, and how many without an answer mean that it is frozen."""


class PartFailed(Exception):
    """A part does not serve and will not. The text is one line: its last words and where the others are."""


def next_delay(previous: float, lived: float) -> float:
    """Seconds to wait after a death: twice the `previous` ones (0: none), from the beginning after a steady life."""
    if not previous or lived > STEADY_SECONDS:
        return FIRST_DELAY
    return min(previous * 2, LONGEST_DELAY)


@dataclass(slots=True)
class Kept:
    """What is known of one part now. `note` is None while it does not serve; `known` is the last one there was."""

    part: Part
    process: subprocess.Popen[bytes] | None = None
    command: Command | None = None
    note: Note | None = None
    known: Note | None = None
    starts: int = 0
    failure: PartFailed | None = None
    task: asyncio.Task[None] | None = None
    served: asyncio.Event = field(default_factory=asyncio.Event)
    settled: asyncio.Event = field(default_factory=asyncio.Event)


class Supervisor:
    """Keeps the parts it is given, each in a task of its own; `changed` is called after every change of any.

    `given_up` hears of a part that has served and is not started again.
    One running event loop in a thread that lives as long as the process (see `spawn`).
    """

    def __init__(
        self,
        logs: Path,
        changed: Callable[[], None] = lambda: None,
        given_up: Callable[[PartFailed], None] = lambda _: None,
    ) -> None:
        self._logs = logs
        self._changed = changed
        self._given_up = given_up
        self._again: asyncio.TimerHandle | None = None
        self._kept: dict[str, Kept] = {}

    @property
    def parts(self) -> Mapping[str, Kept]:
        """Every part by name, in the order in which they were given."""
        return MappingProxyType(self._kept)

    @property
    def pids(self) -> tuple[int, ...]:
        """The processes that run now."""
        return tuple(kept.process.pid for kept in self._kept.values() if kept.process)

    def keep(self, part: Part) -> None:
        """Start this part as soon as what it needs serves, and keep it running until `stop`."""
        kept = self._kept[part.name] = Kept(part)
        kept.task = asyncio.create_task(self._keep(kept), name=f"keep {part.name}")

    async def serving(self, name: str, patience: float = 60.0) -> Note:
        """Wait until this part serves; what it said. Raises PartFailed when it does not come to."""
        kept = self._kept[name]
        try:
            await asyncio.wait_for(kept.settled.wait(), patience)
        except TimeoutError:
            raise PartFailed(f"{name} does not serve after {patience:.0f} s (see {self._log(name)})") from None
        if kept.failure:
            raise kept.failure
        return kept.note or Note()

    async def stop(self, names: Iterable[str], grace: float) -> None:
        """Stop these parts at the same time, for good; what has not ended after `grace` seconds is killed."""
        chosen = [self._kept[name] for name in names if name in self._kept]
        for kept in chosen:
            if kept.task:
                kept.task.cancel()
        await asyncio.gather(*(kept.task for kept in chosen if kept.task), return_exceptions=True)
        await asyncio.gather(
            *(stop(kept.process, kept.command.stop_signal, grace) for kept in chosen if kept.process and kept.command)
        )
        for kept in chosen:
            kept.process = kept.note = None
        self._tell()

    async def _keep(self, kept: Kept) -> None:
        delay, name = 0.0, kept.part.name
        while True:
            for need in kept.part.needs:
                await self._kept[need].served.wait()
            began = time.monotonic()
            status = await self._life(kept)
            has_served = kept.settled.is_set()
            if status == NEEDS_MENDING or (not has_served and (status == MISCONFIGURED or kept.starts >= ATTEMPTS)):
                how = "is not started again" if has_served else "did not start"
                kept.failure = PartFailed(f"{name} {how}: {last_line(self._log(name))} (see {self._log(name)})")
                kept.settled.set()
                if has_served:
                    self._given_up(kept.failure)
                return
            delay = next_delay(delay, lived=time.monotonic() - began)
            await asyncio.sleep(delay)

    async def _life(self, kept: Kept) -> int:
        """One life of a part, from its preparation to its exit status."""
        kept.starts += 1
        try:
            kept.command = await kept.part.prepare()
            if kept.starts > 1:
                self._write(kept.part.name, f"{kept.part.name}: started again")
                kept.command = _without_failpoints(kept.command)
            kept.process = spawn(kept.command, self._log(kept.part.name))
        except (OSError, ToolFailed) as error:
            self._write(kept.part.name, str(error))
            return 1
        self._tell()
        try:
            await self._until_it_serves(kept, kept.process)
            watching = asyncio.create_task(self._end_when_frozen(kept, kept.process))
            try:
                return await ended(kept.process)
            finally:
                watching.cancel()
        finally:
            # On the way to `stop` the process still lives and is stopped there, in its turn.
            if kept.process.poll() is not None:
                kill_group(kept.process.pid)
                kept.process = kept.note = None
                kept.served.clear()
                self._tell()

    async def _until_it_serves(self, kept: Kept, process: subprocess.Popen[bytes]) -> None:
        while process.poll() is None:
            try:
                note = await kept.part.probe(process.pid)
            except Exception as error:  # noqa: BLE001 - whatever a probe stumbles over, the part does not serve yet
                self._write(kept.part.name, f"probe: {type(error).__name__}")
                note = None
            if note:
                kept.note = kept.known = note
                kept.served.set()
                kept.settled.set()
                self._tell()
                return
            await asyncio.sleep(0.05)

    async def _end_when_frozen(self, kept: Kept, process: subprocess.Popen[bytes]) -> None:
        """End a process that lives and does nothing, so that it is started again."""
        silences = 0  # counted, not timed: this process may have been frozen itself
        while kept.part.alive and silences < SILENCES:
            await asyncio.sleep(WATCH_PAUSE)
            silences = 0 if await kept.part.alive(kept.note or Note()) else silences + 1
        if silences:
            self._write(kept.part.name, f"{kept.part.name}: does not answer and is killed")
            process.kill()

    def _tell(self) -> None:
        """Call `changed`; what it cannot write now, on a full disk, it is asked to write again."""
        if self._again:
            self._again.cancel()
            self._again = None
        try:
            self._changed()
        except OSError:
            self._again = asyncio.get_running_loop().call_later(RETELL_PAUSE, self._tell)

    def _write(self, name: str, line: str) -> None:
        with contextlib.suppress(OSError), self._log(name).open("a", encoding="utf-8") as log:
            log.write(f"{line}\n")

    def _log(self, name: str) -> Path:
        self._logs.mkdir(parents=True, exist_ok=True)
        return self._logs / f"{name}.log"


def _without_failpoints(command: Command) -> Command:
    """A planned stop is for a process's first life: else it would stop there in each, and never get past."""
    return replace(command, env={**command.env, "DESKSTREAM_FAILPOINTS": None})
