"""What came meanwhile, and the switch."""

import contextlib
from collections.abc import Callable, Mapping, Sequence

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from bus.calendars import Calendars
from bus.errors import Invalid, Retryable
from bus.failpoints import failpoint
from bus.record import Partition, Received
from metrics_worker import calendar_store, rows
from metrics_worker.driver import driver
from metrics_worker.event import decode, decode_contact
from metrics_worker.reading_ranges import Ranges
from metrics_worker.rebuild.difference import Difference, difference, go_on_with_revisions
from metrics_worker.rebuild.shadow import SHADOW, Shadow
from metrics_worker.settling import contacts_involved, involved, settle
from metrics_worker.snapshot import Names
from metrics_worker.store import write
from metrics_worker.tables import COMPUTED, FIGURES_APART, SCHEMA

_FEW = 2_000
"""So many events may be settled while the worker waits."""
_ROUNDS = 20


class Exchange:
    """From shadow tables that stand at some position to live tables that stand where the worker does."""

    def __init__(
        self,
        engine: AsyncEngine,
        shadow: Shadow,
        ranges: Ranges,
        names: Names,
        calendars: Calendars,
        report: Callable[[int], None],
    ) -> None:
        self._engine = engine
        self._shadow = shadow
        self._ranges = ranges
        self._names = names
        self._calendars = calendars
        self._report = report

    async def run(self, at: dict[Partition, int], *, present_calendars: bool) -> Difference:
        """`at`: how far the shadow tables have come. Raises Retryable when the worker has not read as far."""
        for _ in range(_ROUNDS):
            live = await self._live()
            if sum(max(0, end - at.get(where, 0)) for where, end in live.items()) <= _FEW:
                break
            async with self._engine.begin() as connection:
                await self._shadow.must_be_mine(connection)
                await self._settle(connection, at, live)
        failpoint("figures.before_exchange")
        async with self._engine.begin() as connection:
            await connection.execute(sa.text("SET LOCAL lock_timeout = '30s'"))
            await self._shadow.must_be_mine(connection)
            tables = ", ".join(f"{SCHEMA}.{table}" for table in COMPUTED)
            await connection.execute(sa.text(f"LOCK TABLE {tables} IN ACCESS EXCLUSIVE MODE"))
            live = await self._live(connection)
            if behind := [where for where, end in live.items() if end < at.get(where, 0)]:
                raise Retryable(
                    f"the worker has not read {behind[0].topic} so far yet; is `deskstream metrics` running?"
                )
            await self._settle(connection, at, live)
            found = await difference(connection)
            await go_on_with_revisions(connection)
            await connection.execute(sa.text(f"DROP TABLE {tables}"))
            for table in (*COMPUTED, *FIGURES_APART):
                await connection.execute(sa.text(f"ALTER TABLE {SHADOW}.{table} SET SCHEMA {SCHEMA}"))
            if present_calendars:
                await calendar_store.keep_only(connection, self._calendars)
            await connection.execute(
                sa.text(f'UPDATE {SCHEMA}.progress SET epoch = epoch + 1 WHERE "group" = :group'),  # noqa: S608  # our own
                {"group": self._names.group},
            )
            await connection.execute(sa.text(f"DROP SCHEMA {SHADOW} CASCADE"))
            failpoint("figures.before_exchange_commit")
        return found

    async def _settle(
        self, connection: AsyncConnection, at: dict[Partition, int], end: Mapping[Partition, int]
    ) -> None:
        """What the worker has read since `at`, on the shadow tables; `at` moves on."""
        async for batch in self._ranges.read(at, end):
            try:
                await self._settle_batch(connection, batch)
            except Invalid:  # the worker has parked it
                for record in batch:
                    with contextlib.suppress(Invalid):
                        await self._settle_batch(connection, [record])
            self._report(len(batch))
        for where, stop in end.items():
            at[where] = max(stop, at.get(where, 0))

    async def _settle_batch(self, connection: AsyncConnection, batch: Sequence[Received]) -> None:
        events = [decode(record) for record in batch if record.topic != self._names.contacts]
        changes = [decode_contact(record) for record in batch if record.topic == self._names.contacts]
        raw = await driver(connection)
        tickets = await rows.tickets(raw, sorted(involved(events)), SHADOW)
        people = await rows.contacts(raw, sorted(contacts_involved(changes)), SHADOW)
        change = settle(tickets, events, people, changes, self._calendars)
        newest = max(each.recorded_at for found in (events, changes) for each in found)
        await write(raw, change, newest, schema=SHADOW)

    async def _live(self, connection: AsyncConnection | None = None) -> dict[Partition, int]:
        """How far the worker has come."""
        if connection is None:
            async with self._engine.connect() as own:
                return await self._live(own)
        found = await connection.execute(
            sa.text(f'SELECT topic, partition, next_offset FROM {SCHEMA}.progress WHERE "group" = :group'),  # noqa: S608
            {"group": self._names.group},
        )
        return {Partition(topic, partition): offset or 0 for topic, partition, offset in found}
