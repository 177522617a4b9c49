"""The consumer loop, written once. Authors write handlers.

| a handler raises | then |
|---|---|
| nothing | the batch is settled |
| Retryable | back off and repeat the same batch; after `patience` seconds crash with nothing committed |
| Fenced | another owner has the partition: drop the batch, join the group again |
| Invalid, anything else | halve the batch until the record is alone and was tried twice, park it within the budget |
"""

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from typing import Protocol, TypeVar

import structlog

from bus.errors import Fenced, Invalid, Retryable
from bus.parking import Parking
from bus.reading import OffsetLost, Progress, Source
from bus.record import Received

log = structlog.get_logger()

_FIRST_BACKOFF = 0.1
_LAST_BACKOFF = 5.0
_STOP_PATIENCE = 3.0
"""Seconds that the batch in hand may still take when the loop is to stop; then it is dropped, uncommitted."""

_T = TypeVar("_T")


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

    Raises Retryable when patience is spent, BudgetSpent, OffsetLost, and what the source raises for good.
    """
    work = asyncio.create_task(_Loop(source, handler, parking, progress, patience, stop).run())
    stopping = asyncio.create_task((stop or asyncio.Event()).wait())
    try:
        await asyncio.wait({work, stopping}, return_when=asyncio.FIRST_COMPLETED)
        if not work.done():
            await _quiet(source.busy, work)
    finally:
        stopping.cancel()
        work.cancel()
        await asyncio.wait({work})
        await source.stop()
    if not work.cancelled():
        work.result()


async def _quiet(busy: asyncio.Lock, work: asyncio.Task[None]) -> None:
    """Wait until no batch is in hand, for a while, and let the loop take no other."""
    holding = asyncio.create_task(busy.acquire())
    await asyncio.wait({holding, work}, timeout=_STOP_PATIENCE, return_when=asyncio.FIRST_COMPLETED)
    work.cancel()
    if not holding.cancel():
        busy.release()


class _Loop:
    def __init__(
        self,
        source: Source,
        handler: BatchHandler,
        parking: Parking,
        progress: Progress | None,
        patience: float,
        stop: asyncio.Event | None,
    ) -> None:
        self._source = source
        self._handler = handler
        self._parking = parking
        self._progress = progress
        self._patience = patience
        self._stop = stop or asyncio.Event()
        self._rejoin_first = False

    async def run(self) -> None:
        try:
            await _patiently(self._source.start, self._patience)
            while not self._stop.is_set():
                await self._turn()
        except OffsetLost as error:
            log.critical("loop.offset_lost", detail=str(error))
            raise

    async def _turn(self) -> None:
        batch = await _patiently(self._poll, self._patience)
        if not batch:
            return
        try:
            # no await between the poll and this: a batch is never in hand without `busy`
            async with self._source.busy:
                await self._settle(batch)
                self._parking.count(len(batch))
                await self._source.settled(batch)
        except Fenced as error:
            log.warning("loop.fenced", detail=str(error))
            self._rejoin_first = True

    async def _poll(self) -> Sequence[Received]:
        if self._rejoin_first:
            await self._source.rejoin()
            self._rejoin_first = False
        try:
            return await self._source.poll()
        except Retryable:
            self._rejoin_first = True
            raise

    async def _settle(self, batch: Sequence[Received], *, again: bool = True) -> None:
        async def handle() -> None:
            await self._handler(batch)

        try:
            await _patiently(handle, self._patience)
        except (Retryable, Fenced):
            raise
        except Exception as error:  # noqa: BLE001  # the one broad except: isolate, park, go on within the budget
            failure = error
        else:
            return
        if len(batch) > 1:
            middle = len(batch) // 2
            await self._settle(batch[:middle], again=False)
            await self._settle(batch[middle:], again=False)
        elif again:
            await self._settle(batch, again=False)
        else:
            await self._park(batch[0], failure)

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


async def _patiently(attempt: Callable[[], Awaitable[_T]], patience: float) -> _T:
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
