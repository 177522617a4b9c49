"""A Poller as a Receiver: cursor → fetch → emit → store the cursor → confirm → wait."""

import asyncio
from typing import Generic

import structlog

from bus.errors import Retryable
from ingest.contract import C, Emit, Place, Poller

log = structlog.get_logger()


class Polling(Generic[C]):
    """Receiver (ingest.contract) around `poller`; asks again after `every` seconds, at once while there is more."""

    def __init__(self, poller: Poller[C], cursor: type[C], place: Place, *, every: float) -> None:
        self._poller = poller
        self._cursor = cursor
        self._place = place
        self._every = every

    async def run(self, emit: Emit) -> None:
        """Until cancelled."""
        condition = f"{self._place.name}: polling"
        while True:
            try:
                more = await self._turn(emit)
                self._place.health.set(condition)
            except Retryable as error:
                log.warning("polling.waits", connector=self._place.name, detail=str(error))
                self._place.health.set(condition, str(error))
                more = False
            await asyncio.sleep(0 if more else self._every)

    async def _turn(self, emit: Emit) -> bool:
        stored = await self._place.cursors.load(self._place.name)
        page = await self._poller.fetch(None if stored is None else self._cursor.model_validate(stored))
        if not page.messages:
            return False
        await emit(*page.messages)
        await self._place.cursors.store(self._place.name, page.cursor.model_dump(mode="json"))
        await self._poller.confirm(page)
        return True
