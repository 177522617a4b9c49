"""Each page from one state of the database, with what the desk adds to it."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import UTC, date, datetime, timedelta

from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from bus.calendars import micros
from bus.errors import Retryable
from bus.figures import AsOf
from bus.progress import database_error
from metrics_worker import calendar_store, overview, snapshot
from metrics_worker import why as whys
from metrics_worker.behind import Behind, behind
from metrics_worker.definitions import definition_of, texts
from metrics_worker.figures import parsed
from metrics_worker.naming import Desk, NoDesk, named
from metrics_worker.pages import Headquarters, Numbers, Overview, Scorecard, Trend, Why
from metrics_worker.snapshot import Names
from metrics_worker.trend import trend

_EPOCH_DAY = date(1970, 1, 1).toordinal()
NOTHING_YET = ("3F000", "42P01")
"""What PostgreSQL says of a schema or table that is not there."""


class Unknown(Exception):
    """Neither the figures nor the desk know anything of it."""


class Asking:
    """Pages and numbers. All raise Retryable when the database is away, and Unknown of what nobody knows.

    `calendar`: the desk's, by which days begin and end.
    """

    def __init__(
        self,
        engine: AsyncEngine,
        names: Names,
        calendar: str,
        desk: Desk | None = None,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._engine = engine
        self._names = names
        self._calendar = calendar
        self._desk = desk or NoDesk()
        self._clock = clock

    async def overview(self, key: str, limit: int) -> Overview:
        """The page of a contact or an account."""
        async with self._state() as connection:
            page = await overview.overview(connection, self._names, key, self._clock(), limit=limit)
        await self._known(key, known=page.revision > 0)
        return await named(self._desk, page)

    async def scorecard(self, agent_id: str, first: date | None, last: date | None) -> Scorecard:
        """The page of an agent."""
        async with self._state() as connection:
            begin, end = await self._days(connection, first, last)
            page = await overview.scorecard(connection, self._names, agent_id, begin, end, self._clock())
        await self._known(page.key, known=page.revision > 0)
        return await named(self._desk, page)

    async def headquarters(self) -> Headquarters:
        """The page of the team."""
        async with self._state() as connection:
            page = await overview.headquarters(connection, self._names, self._clock())
        return await named(self._desk, page)

    async def numbers(self, key: str) -> Numbers:
        """All figures of a key, and their definitions."""
        async with self._state() as connection:
            found = await snapshot.read(connection, self._names, [key], every=True)
            late = await behind(connection, self._clock())
        if not found:
            raise Unknown(key)
        figures = parsed(found[0]["figures"])
        known = texts()
        return Numbers(
            key=key,
            revision=found[0]["revision"],
            as_of=AsOf(**found[0]["as_of"]),
            behind=late,
            figures=figures,
            contacts=found[0].get("contacts"),
            definitions={name: known[name] for name in sorted({each.definition for each in figures.values()})},
        )

    async def trend(self, key: str, first: date | None, last: date | None) -> Trend:
        """Figures by day."""
        async with self._state() as connection:
            await self._must_exist(connection, key)
            begin, end = await self._days(connection, first, last)
            calendars = await calendar_store.read(connection, self._calendar)
            days = await trend(connection, key, begin, end, calendars)
        return Trend(key=key, first=_date(begin), last=_date(end), days=days)

    async def why(self, key: str, figure: str, after: str, limit: int) -> Why:
        """Some of what adds to a figure."""
        if (definition := definition_of(figure)) is None:
            raise Unknown(figure)
        async with self._state() as connection:
            await self._must_exist(connection, key)
            calendars = await calendar_store.read(connection, self._calendar)
            page = await whys.page(connection, key, figure, calendars, after=after, limit=limit)
        return Why(key=key, figure=figure, definition=definition.reference, shares=page.shares, next=page.next)

    async def behind(self) -> Behind:
        """How late all numbers are."""
        async with self._state() as connection:
            return await behind(connection, self._clock())

    async def must_be_known(self, key: str) -> None:
        """Raise Unknown when nobody knows it."""
        async with self._state() as connection:
            known = bool(await snapshot.read(connection, self._names, [key]))
        await self._known(key, known=known)

    async def _known(self, key: str, *, known: bool) -> None:
        if not known and not await self._desk.knows(key):
            raise Unknown(key)

    async def _must_exist(self, connection: AsyncConnection, key: str) -> None:
        if not await snapshot.read(connection, self._names, [key]):
            raise Unknown(key)

    async def _days(self, connection: AsyncConnection, first: date | None, last: date | None) -> tuple[int, int]:
        """As days since 1970; what is not said are the desk's last 30 days."""
        if last is None:
            now = micros(self._clock())
            calendars = await calendar_store.read(connection, self._calendar)
            end = calendars.of_desk(now).day(now) if calendars.known.get(self._calendar) else now // 86_400_000_000
        else:
            end = last.toordinal() - _EPOCH_DAY
        return end - 29 if first is None else first.toordinal() - _EPOCH_DAY, end

    @asynccontextmanager
    async def _state(self) -> AsyncIterator[AsyncConnection]:
        """One state of all tables."""
        try:
            async with self._engine.connect() as plain:
                yield await plain.execution_options(isolation_level="REPEATABLE READ", postgresql_readonly=True)
        except PoolTimeout as error:
            raise Retryable("the database has no connection to spare") from error
        except DBAPIError as error:
            if getattr(error.orig, "sqlstate", None) in NOTHING_YET:
                raise Retryable("this database has no figures yet; run `deskstream db upgrade`") from error
            raise database_error(error) from error


def _date(day: int) -> str:
    return (date(1970, 1, 1) + timedelta(days=day)).isoformat()
