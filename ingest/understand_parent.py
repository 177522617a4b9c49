"""The parent of the understanding child: starts it, watches it, and decides whom a death is to be blamed on."""

import asyncio
import os
import sys
import time
from collections import Counter
from collections.abc import Callable
from typing import Literal

import structlog

from bus.blob_settings import BlobSettings
from bus.errors import Retryable
from bus.health import Health
from bus.kafka_settings import KafkaSettings
from bus.message import Channel
from bus.parking import BudgetSpent, Parking
from bus.record import Position
from bus.settings import LoggingSettings
from bus.topics import raw_topic
from ingest.one_record import read_record
from ingest.understand_note import Note
from ingest.understand_orders import BUDGET_SPENT, Orders
from ingest.watching import Blame, Limits, watch

log = structlog.get_logger()

_SUSPICIONS = 3
"""A record that passes its trial but has been in hand at so many deaths is parked all the same."""
_LAST_BACKOFF = 10.0
_STEADY = 30.0


class UnderstandingProcess:
    """Keeps one understanding child alive until told to stop.

    A record that was in hand when a child died, or for longer than `limits.record` seconds, is tried alone in
    a child of its own; if it fails again it is parked (`died`, `too_slow`), and the next child passes it over.
    `child`: the module that is run.
    """

    def __init__(
        self,
        name: str,
        channel: Channel,
        kafka: KafkaSettings,
        blobs: BlobSettings,
        logging: LoggingSettings,
        *,
        parking: Parking,
        health: Health,
        counted: Callable[[int, int], None],
        limits: Limits = Limits(),  # noqa: B008  # frozen
        child: str = "ingest.understand_child",
    ) -> None:
        self._name = name
        self._channel = channel
        self._kafka = kafka
        self._blobs = blobs
        self._logging = logging
        self._parking = parking
        self._health = health
        self._counted = counted
        self._limits = limits
        self._child = child
        self._skip: set[Position] = set()
        self._suspicions: Counter[Position] = Counter()
        self._environment = dict(os.environ)
        self._seen = (0, 0)
        self.pid: int | None = None

    async def run(self, stop: asyncio.Event) -> None:
        """Until `stop` is set. Raises BudgetSpent when too many records fail."""
        pause = 0.2
        while not stop.is_set():
            began = time.monotonic()
            try:
                blame = await self._one_life(stop, None)
                if stop.is_set():
                    break
                if blame.record is not None:
                    await self._judge(blame.record, blame.how)
                    continue
            except Retryable as error:
                log.warning("understand.waits", connector=self._name, detail=str(error))
            except OSError as error:
                log.warning("understand.cannot_start", connector=self._name, detail=str(error))
            pause = 0.2 if time.monotonic() - began > _STEADY else min(pause * 2, _LAST_BACKOFF)
            await _sleep_unless(stop, pause)
        self._health.set(f"{self._name}: understanding", "stopped")

    async def _judge(self, suspect: Position, how: Literal["died", "too_slow"]) -> None:
        self._suspicions[suspect] += 1
        trial = await self._one_life(asyncio.Event(), suspect)
        if trial.failed_otherwise:
            raise Retryable(f"the trial of {suspect} could not be held")
        if trial.record is None and self._suspicions[suspect] < _SUSPICIONS:
            log.info("understand.acquitted", connector=self._name, position=suspect)
            return
        record = await read_record(self._kafka, suspect)
        if record is not None:
            verdict = trial.how if trial.record is not None else how
            reason = {
                "died": "the process that understood it died, twice",
                "too_slow": f"understanding it took more than {self._limits.record:g} s, twice",
            }[verdict]
            log.error("understand.parked", connector=self._name, position=suspect, reason=reason)
            await self._parking.park(record, reason, verdict)
            self._counted(0, 1)
        self._skip.add(suspect)

    async def _one_life(self, stop: asyncio.Event, trial: Position | None) -> Blame:
        descriptor = Note.create()
        note = Note(descriptor)
        try:
            orders = Orders(
                connector=self._name,
                channel=self._channel,
                kafka=self._kafka,
                blobs=self._blobs,
                logging=self._logging,
                parent=os.getpid(),
                note=descriptor,
                skip=sorted(self._skip),
                trial=trial,
            )
            process = await asyncio.create_subprocess_exec(
                sys.executable,
                "-m",
                self._child,
                stdin=asyncio.subprocess.PIPE,
                pass_fds=(descriptor,),
                env=self._environment,
                start_new_session=True,  # a terminal's Ctrl-C is the parent's to answer
            )
            # a named point stops a child once, not each of its successors
            self._environment.pop("DESKSTREAM_FAILPOINTS", None)
            assert process.stdin is not None
            process.stdin.write(orders.to_line())
            if trial is None:
                self.pid = process.pid
            blame = await watch(
                process,
                note,
                raw_topic(self._channel),
                stop,
                self._limits,
                ticked=None if trial else lambda: self._tick(note),
            )
            if trial is None:
                self._tick(note)
                self._health.set(f"{self._name}: understanding", "its process is being started again")
                log.info("understand.ended", connector=self._name, status=blame.status, record=blame.record)
        finally:
            self._seen = (0, 0)
            note.close()
            os.close(descriptor)
        if trial is None and blame.status == BUDGET_SPENT and not stop.is_set():
            raise BudgetSpent(f"{self._name}: too many records could not be understood; the lines above name the last")
        return blame

    def _tick(self, note: Note) -> None:
        seen = (note.understood, note.parked)
        understood, parked = seen[0] - self._seen[0], seen[1] - self._seen[1]
        self._seen = seen
        if understood or parked:
            self._counted(understood, parked)
            self._parking.count(understood)
        alive = note.last_alive > 0
        self._health.set(f"{self._name}: understanding", None if alive else "its process is starting")


async def _sleep_unless(stop: asyncio.Event, seconds: float) -> None:
    try:
        await asyncio.wait_for(stop.wait(), seconds)
    except TimeoutError:
        return
