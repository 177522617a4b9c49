"""The consumer loop, written once. Authors write handlers.

| a handler raises | then |
|---|---|
| nothing | the batch is settled |
| Retryable | back off and repeat the same batch; after `patience` seconds crash with nothing committed |
| Fenced | another owner has the partition: drop the batch, join the group again |
| Invalid, anything else | halve the batch until the record is alone, park it within the budget, go on |
"""

import asyncio
import time
from collections.abc import Sequence
from typing import Protocol

import structlog

from bus.errors import Fenced, Invalid, Retryable
from bus.parking import Parking
from bus.record import Received
from bus.source import OffsetLost, Progress, Source

log = structlog.get_logger()

_FIRST_BACKOFF = 0.1
_LAST_BACKOFF = 5.0


class BatchHandler(Protocol):
    """Settles a batch, in the order of each partition, in one transaction of its own, progress included.

    A batch is what one poll returned and may span partitions. MUST take effect wholly or not at all; MUST be
    harmless when repeated; MUST raise Invalid for a record that can never be handled.
    """

    async def __call__(self, batch: Sequence[Received], /) -> None: ...


async def consume(
    source: Source,
    handler: BatchHandler,
    parking: Parking,
    *,
    progress: Progress | None = None,
    patience: float = 120.0,
    stop: asyncio.Event | None = None,
) -> None:
    """Run until `stop` is set or the task is cancelled.

    Raises Retryable when patience is spent, BudgetSpent, and OffsetLost.
    """
    await _patiently(source.start, patience)
    settle = _Settle(source, handler, parking, progress, patience)
    try:
        while stop is None or not stop.is_set():
            try:
                batch = await source.poll()
                if not batch:
                    continue
                async with source.busy:
                    await settle(batch)
                    parking.count(len(batch))
                    await source.settled(batch)
            except Fenced as error:
                log.warning("loop.fenced", detail=str(error))
                await _patiently(source.rejoin, patience)
            except Retryable as error:
                log.warning("loop.rejoins", detail=str(error))
                await asyncio.sleep(_FIRST_BACKOFF)
                await _patiently(source.rejoin, patience)
    except OffsetLost as error:
        log.critical("loop.offset_lost", detail=str(error))
        raise
    finally:
        await source.stop()


class _Settle:
    def __init__(
        self,
        source: Source,
        handler: BatchHandler,
        parking: Parking,
        progress: Progress | None,
        patience: float,
    ) -> None:
        self._source = source
        self._handler = handler
        self._parking = parking
        self._progress = progress
        self._patience = patience

    async def __call__(self, batch: Sequence[Received]) -> None:
        async def handle() -> None:
            await self._handler(batch)

        try:
            await _patiently(handle, self._patience)
        except (Retryable, Fenced):
            raise
        except Exception as error:  # noqa: BLE001  # the one broad except: isolate, park, go on within the budget
            if len(batch) > 1:
                middle = len(batch) // 2
                await self(batch[:middle])
                await self(batch[middle:])
                return
            await self._park(batch[0], error)

    async def _park(self, record: Received, error: Exception) -> None:
        expected = isinstance(error, Invalid)
        if not expected:
            log.error("loop.unexpected", position=record.position, exc_info=error)
        reason = str(error) if expected else f"{type(error).__name__}: {error}"

        async def park() -> None:
            await self._parking.park(record, reason, "invalid" if expected else "unexpected")
            if self._progress is not None:
                await self._progress.skip(record)

        await _patiently(park, self._patience)


class _Attempt(Protocol):
    async def __call__(self) -> None: ...


async def _patiently(attempt: _Attempt, patience: float) -> None:
    began, pause = time.monotonic(), _FIRST_BACKOFF
    while True:
        try:
            return await attempt()
        except Retryable as error:
            if time.monotonic() - began > patience:
                raise
            log.warning("loop.retries", detail=str(error), pause=pause)
        await asyncio.sleep(pause)
        pause = min(pause * 2, _LAST_BACKOFF)
