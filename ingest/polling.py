"""A Poller as a Receiver: cursor → fetch → emit → store the cursor → confirm → wait."""

import asyncio
from collections.abc import Callable
from typing import Generic

import structlog

from bus.errors import Retryable
from ingest.contract import C, Emit, Place, Poller
from ingest.providers.trouble import Trouble

log = structlog.get_logger()


class Polling(Generic[C]):
    """Receiver (ingest.contract) around `poller`; asks again after `every` seconds (told anew each time when it is a
    function), later when the source wants it so (Trouble.after), at once while there is more."""

    def __init__(self, poller: Poller[C], cursor: type[C], place: Place, *, every: float | Callable[[], float]) -> None:
        self._poller = poller
        self._cursor = cursor
        self._place = place
        self._every = every

    async def run(self, emit: Emit) -> None:
        """Until cancelled."""
        condition = f"{self._place.name}: polling"
        while True:
            more, after = False, 0.0
            try:
                more = await self._turn(emit)
                self._place.health.set(condition)
            except Retryable as error:
                log.warning("polling.waits", connector=self._place.name, detail=str(error))
                self._place.health.set(condition, str(error))
                after = error.after if isinstance(error, Trouble) else 0.0
            every = self._every() if callable(self._every) else self._every
            await asyncio.sleep(0 if more else max(every, after))

    async def _turn(self, emit: Emit) -> bool:
        stored = await self._place.cursors.load(self._place.name)
        page = await self._poller.fetch(None if stored is None else self._cursor.model_validate(stored))
        cursor = page.cursor.model_dump(mode="json")
        if page.messages:
            await emit(*page.messages)
        moved = bool(page.messages) or cursor != stored  # a page may hold nothing for us, with more behind it
        if moved:
            await self._place.cursors.store(self._place.name, cursor)
            await self._poller.confirm(page)
        return moved
