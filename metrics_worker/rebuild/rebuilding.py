"""One rebuild, from its beginning to its end."""

from collections.abc import Callable
from dataclasses import dataclass

import psycopg
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncEngine

from bus.calendars import Calendars
from bus.progress import database_error
from metrics_worker.reading_ranges import Ranges
from metrics_worker.rebuild.difference import Difference
from metrics_worker.rebuild.exchange import Exchange
from metrics_worker.rebuild.folding import Folding
from metrics_worker.rebuild.grouping import count_groups, point
from metrics_worker.rebuild.shadow import Shadow
from metrics_worker.snapshot import Names


@dataclass(slots=True)
class Rebuilt:
    """How much was read, and what came out."""

    events: int
    tickets: int
    difference: Difference


class Rebuilding:
    """One rebuild. `report(done, total)` hears how many events have been read."""

    def __init__(
        self,
        engine: AsyncEngine,
        ranges: Ranges,
        names: Names,
        calendars: Calendars,
        report: Callable[[int, int], None] = lambda done, total: None,  # noqa: ARG005  # the form of it
    ) -> None:
        self._engine = engine
        self._ranges = ranges
        self._names = names
        self._calendars = calendars
        self._report = report
        self._done = self._total = 0

    async def run(self, *, present_calendars: bool = False) -> Rebuilt:
        """Raises Retryable when the database or Kafka is away: nothing has changed then."""
        shadow = Shadow(self._engine)
        folding = Folding(shadow, self._ranges, self._names.contacts, self._calendars, self._progressed)
        exchange = Exchange(self._engine, self._ranges, self._names, self._calendars, self._progressed)
        try:
            ends = await self._ranges.ends()
            self._total = sum(ends.values())
            await shadow.make()
            await folding.run(ends)
            roots = await point(shadow, folding.pointers)
            await shadow.index("ticket_facts", "contacts")
            await count_groups(self._engine, shadow, folding.tally, roots, self._calendars)
            await folding.write_figures()
            await shadow.index("figures", "days")
            difference = await exchange.run(dict(ends), present_calendars=present_calendars)
        except (DBAPIError, psycopg.Error) as error:
            raise database_error(error) from error
        return Rebuilt(self._done, folding.tickets, difference)

    def _progressed(self, n: int) -> None:
        self._done += n
        self._report(self._done, self._total)
