"""One rebuild, from its beginning to its end."""

import asyncio
from collections import ChainMap
from collections.abc import Callable, Coroutine, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

import psycopg
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncEngine

from bus.calendars import Calendars
from bus.kafka_settings import KafkaSettings
from bus.progress import database_error
from bus.record import Partition
from metrics_worker.reading_ranges import Ranges
from metrics_worker.rebuild.apart import Orders, fold_apart
from metrics_worker.rebuild.difference import Difference
from metrics_worker.rebuild.exchange import Exchange
from metrics_worker.rebuild.folding import Folded, Folding
from metrics_worker.rebuild.grouping import count_groups, point
from metrics_worker.rebuild.shadow import Shadow
from metrics_worker.rebuild.shares import processes_for, shares
from metrics_worker.rebuild.tally import Tally
from metrics_worker.snapshot import Names

Result = TypeVar("Result")


@dataclass(slots=True)
class Rebuilt:
    """How much was read, and what came out."""

    events: int
    tickets: int
    difference: Difference


@dataclass(frozen=True, slots=True)
class Places:
    """Where Kafka and the database are, for processes that the rebuild starts."""

    kafka: KafkaSettings
    database: str


class Rebuilding:
    """One rebuild. `report(done, total)` hears how many events have been read.

    `processes`: that many fold; None: as many as pay.
    """

    def __init__(
        self,
        engine: AsyncEngine,
        ranges: Ranges,
        names: Names,
        calendars: Calendars,
        places: Places,
        *,
        processes: int | None = None,
        report: Callable[[int, int], None] = lambda done, total: None,  # noqa: ARG005  # the form of it
    ) -> None:
        self._engine = engine
        self._ranges = ranges
        self._names = names
        self._calendars = calendars
        self._places = places
        self._processes = processes
        self._report = report
        self._done = self._total = 0

    async def run(self, *, present_calendars: bool = False) -> Rebuilt:
        """Raises Retryable when the database or Kafka is away: nothing has changed then."""
        shadow, calendars = Shadow(self._engine), self._calendars
        try:
            ends = await self._ranges.ends()
            self._total = sum(ends.values())
            await shadow.make()
            folded = await self._fold(shadow, ends)
            tally = Tally()
            for each in folded:
                tally.add(each.sums)
            roots = await point(shadow, ChainMap(*(dict(each.pointers) for each in folded)))
            await count_groups(self._engine, shadow, tally, roots, calendars)
            await _together(shadow.index("ticket_facts", "clocks", "contacts"), _write_figures(shadow, tally, folded))
            exchange = Exchange(self._engine, shadow, self._ranges, self._names, calendars, self._progressed)
            difference = await exchange.run(dict(ends), present_calendars=present_calendars)
        except (DBAPIError, psycopg.Error) as error:
            raise database_error(error) from error
        return Rebuilt(self._done, sum(each.tickets for each in folded), difference)

    async def _fold(self, shadow: Shadow, ends: Mapping[Partition, int]) -> Sequence[Folded]:
        """Each share by a process, the first one by this."""
        processes = self._processes or processes_for(self._total)
        mine, *others = shares(ends, self._names.contacts, processes)
        here = Folding(shadow, self._ranges, self._names.contacts, self._calendars, self._progressed)
        apart = [fold_apart(self._orders(shadow, share), self._progressed) for share in others]
        return await _together(*apart, here.run(mine))

    def _orders(self, shadow: Shadow, share: Mapping[Partition, int]) -> Orders:
        places = self._places
        return Orders(places.kafka, places.database, self._names.contacts, self._calendars, shadow.run, share)

    def _progressed(self, n: int) -> None:
        self._done += n
        self._report(self._done, self._total)


async def _together(*doing: Coroutine[Any, Any, Result]) -> list[Result]:
    """What each returns; when one raises, all are over before that is heard."""
    tasks = [asyncio.create_task(each) for each in doing]
    try:
        return await asyncio.gather(*tasks)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def _write_figures(shadow: Shadow, tally: Tally, folded: Sequence[Folded]) -> None:
    """All that was counted."""
    await shadow.add_parts(tally.take())
    await shadow.add_sums(tally.sums())
    await shadow.make_days()
    await shadow.make_figures(max(each.newest for each in folded))
    await shadow.index("figures", "days")
