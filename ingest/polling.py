"""A Poller as a Receiver: cursor → fetch → emit → store the cursor → confirm → wait."""

import asyncio
import random
from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import Generic

import structlog
from pydantic import ValidationError

from bus.errors import Retryable
from bus.failpoints import failpoint
from ingest.contract import C, Emit, Place, Poller, Rewindable

log = structlog.get_logger()

_LONGEST_PAUSE = 300.0
_FIRST_PAUSE = {"transient": 1.0, "quota": 5.0}
"""Seconds; what only a person can mend is asked less often from the beginning, so that no account is locked."""
_FIRST_PAUSE_OTHERWISE = 20.0


class Polling(Generic[C]):
    """Receiver (ingest.contract) around `poller`, while this process is the one that polls (ingest.tenure).

    Asks again after `every` seconds (a function, where the pace changes), at once while there is more. `wait` may
    come back earlier than asked when the source has announced something.
    """

    def __init__(
        self,
        poller: Poller[C],
        cursor: type[C],
        place: Place,
        *,
        every: float | Callable[[], float],
        wait: Callable[[float], Awaitable[None]] = asyncio.sleep,
        back_off: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._poller = poller
        self._cursor = cursor
        self._place = place
        self._every = every
        self._wait = wait
        self._back_off = back_off
        self._looking = False
        self._rewind_to: datetime | None = None
        self._rewinding = asyncio.Event()

    async def run(self, emit: Emit) -> None:
        """Until cancelled."""
        await self._place.tenure.keep(lambda: self._poll(emit))

    def rewind(self, since: datetime) -> None:
        """Ask the source again for what was written since then, if it can be asked and this process is who asks."""
        if self._looking and isinstance(self._poller, Rewindable):
            self._rewind_to = since
            self._rewinding.set()

    async def _poll(self, emit: Emit) -> None:
        self._looking = True
        try:
            await self._look(emit)
        finally:
            self._looking = False

    async def _look(self, emit: Emit) -> None:
        condition, failures = f"{self._place.name}: polling", 0
        after: C | None = None
        loaded = False
        while True:
            try:
                if not loaded:
                    after, loaded = await self._load(), True
                if self._rewind_to is not None:
                    after = await self._rewound(after, self._rewind_to)
                page = await self._poller.fetch(after)
                if page.messages:
                    failpoint("receive.before_emit")
                    await emit(*page.messages)
                    failpoint("receive.after_emit")
                if page.cursor != after:
                    await self._place.cursors.store(self._place.name, page.cursor.model_dump(mode="json"))
                    failpoint("poll.after_cursor")
                    after = page.cursor
                if page.messages:
                    await self._poller.confirm(page)
                self._place.source.succeeded()
                self._place.health.set(condition)
                if not page.messages:
                    await self._pause(self._every() if callable(self._every) else self._every)
                failures = 0
            except Retryable as error:
                failures += 1
                pause = _pause(error, failures)
                log.warning(
                    "polling.waits",
                    connector=self._place.name,
                    detail=str(error),
                    error_class=error.kind,
                    seconds=round(pause, 1),
                )
                self._place.source.failed(error)
                self._place.health.set(condition, str(error))
                await self._back_off(pause)

    async def _rewound(self, after: C | None, since: datetime) -> C:
        assert isinstance(self._poller, Rewindable)
        cursor: C = self._poller.rewound(after, since)
        await self._place.cursors.store(self._place.name, cursor.model_dump(mode="json"))
        self._rewind_to = None
        self._rewinding.clear()
        return cursor

    async def _pause(self, seconds: float) -> None:
        """Or until somebody asks for what was."""
        if not isinstance(self._poller, Rewindable):
            await self._wait(seconds)
            return
        waits = {asyncio.ensure_future(self._wait(seconds)), asyncio.ensure_future(self._rewinding.wait())}
        try:
            done, _ = await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for each in waits:
                each.cancel()
            await asyncio.gather(*waits, return_exceptions=True)
        for each in done:
            each.result()

    async def _load(self) -> C | None:
        stored = await self._place.cursors.load(self._place.name)
        if stored is None:
            return None
        try:
            return self._cursor.model_validate(stored)
        except ValidationError:
            log.warning(
                "polling.cursor_unreadable", connector=self._place.name
            )  # from the beginning: repeats are known
            return None


def _pause(error: Retryable, failures: int) -> float:
    """Seconds: doubled with each failure in a row, never less than the source asked for."""
    first = _FIRST_PAUSE.get(error.kind, _FIRST_PAUSE_OTHERWISE)
    pause = min(first * 2.0 ** min(failures - 1, 10), _LONGEST_PAUSE) * random.uniform(0.8, 1.2)  # noqa: S311  # no secret
    return max(pause, error.after or 0.0)
