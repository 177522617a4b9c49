"""Watching a child: when it is to be killed, and which record it had in hand."""

import asyncio
import signal
import time
from asyncio.subprocess import Process
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from bus.record import Position
from ingest.understand_note import Note


@dataclass(frozen=True, slots=True)
class Limits:
    """Seconds. `record`: in the normalizer; `start`: to the first sign of life; `silence`: between two; `stop`."""

    record: float = 10.0
    start: float = 60.0
    silence: float = 30.0
    stop: float = 10.0
    tick: float = 0.25


@dataclass(frozen=True, slots=True)
class Blame:
    """How a child ended: its exit status (negative: a signal) and the record it had in hand, if any."""

    status: int
    record: Position | None
    how: Literal["died", "too_slow"] = "died"

    @property
    def failed_otherwise(self) -> bool:
        """It ended badly, but with no record in hand."""
        return self.record is None and self.status != 0


async def watch(
    process: Process,
    note: Note,
    topic: str,
    stop: asyncio.Event,
    limits: Limits,
    *,
    ticked: Callable[[], None] | None = None,
) -> Blame:
    """Until the child has ended; it is asked to when `stop` is set, and killed when it takes too long.

    A watcher that was itself frozen does not blame the child for the time it has missed.
    """
    ended = asyncio.create_task(process.wait())
    asked = asyncio.create_task(stop.wait())
    began = last_look = time.monotonic()
    try:
        while True:
            await asyncio.wait({ended, asked}, timeout=limits.tick, return_when=asyncio.FIRST_COMPLETED)
            if ended.done():
                return _blame(process.returncode, note, topic, "died")
            if stop.is_set():
                process.send_signal(signal.SIGTERM)
                await asyncio.wait({ended}, timeout=limits.stop)
                return Blame(await _killed(process, ended), None)
            now = time.monotonic()
            late, last_look = now - last_look > 4 * limits.tick + 1.0, now
            if ticked:
                ticked()
            if late:
                continue
            in_hand = note.worked_on
            if in_hand is not None and now - in_hand.since > limits.record:
                process.kill()
                await ended
                return _blame(process.returncode, note, topic, "too_slow")
            silent = now - (note.last_alive or began)
            if silent > (limits.silence if note.last_alive else limits.start):
                return Blame(await _killed(process, ended), None)
    finally:
        asked.cancel()
        if not ended.done():
            await asyncio.shield(_killed(process, ended))


def _blame(status: int | None, note: Note, topic: str, how: Literal["died", "too_slow"]) -> Blame:
    in_hand = note.worked_on
    record = None if in_hand is None else Position(topic, in_hand.partition, in_hand.offset)
    return Blame(status if status is not None else -1, record, how)


async def _killed(process: Process, ended: "asyncio.Task[int]") -> int:
    if not ended.done():
        process.kill()
    return await ended
