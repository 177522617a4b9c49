"""The shadow tables: made like the live ones, filled in bulk, indexed when they are full."""

import uuid
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine
from sqlalchemy.schema import CreateIndex, CreateTable

from bus.errors import Retryable
from metrics_worker import rows
from metrics_worker.columns import Columns
from metrics_worker.contacts import ContactFacts
from metrics_worker.contribution import Marks
from metrics_worker.driver import driver, written
from metrics_worker.facts import TicketFacts
from metrics_worker.rebuild.tally import Counters, Sums, into
from metrics_worker.settling import DayKey, Stored
from metrics_worker.tables import COMPUTED, SCHEMA, figures_apart, metadata

SHADOW = "metrics_rebuild"
PARTS = f"{SHADOW}.parts"
"""Counters of contacts and accounts, several rows each: what each stretch of the topic adds."""
DAY_PARTS = f"{SHADOW}.day_parts"
"""The same by day."""
SUMS = f"{SHADOW}.sums"
"""Whole counters of those who had several parts, and of all other keys."""
RUN = f"{SHADOW}.run"
"""One row: whose the tables are."""

BULK = sa.text("SELECT set_config(name, 'on', true) FROM unnest(ARRAY['enable_seqscan', 'enable_hashjoin']) AS name")
"""Sessions of the worker never read whole tables; until the end of its transaction one may."""

_MINE = sa.text(f"SELECT id FROM {RUN} WHERE id = :run")  # noqa: S608  # our own names, here and below
_ROOTS = sa.text(f"""
    UPDATE {SHADOW}.ticket_facts AS t SET root_id = n.root_id
    FROM unnest(CAST(:ids AS text[]), CAST(:roots AS text[])) AS n(id, root_id) WHERE t.ticket_id = n.id
""")  # noqa: S608
_OFTEN = sa.text(f"""
    SELECT key, array_agg(counts), array_agg(durations) FROM {PARTS} GROUP BY key HAVING count(*) > 1
""")  # noqa: S608
_DAYS_OFTEN = sa.text(f"""
    SELECT key, day, array_agg(counts), array_agg(durations) FROM {DAY_PARTS} GROUP BY key, day HAVING count(*) > 1
""")  # noqa: S608
_DAYS = sa.text(f"""
    INSERT INTO {SHADOW}.days (key, day, counts, durations)
    SELECT key, day, min(counts), min(durations) FROM {DAY_PARTS} GROUP BY key, day HAVING count(*) = 1
""")  # noqa: S608
# with the revisions that the live ones have now: most will have no other when they are exchanged
_FIGURES = sa.text(f"""
    INSERT INTO {SHADOW}.figures (key, counts, durations, revision, published_revision, changed_at)
    SELECT n.key, n.counts, n.durations, coalesce(l.revision, 1), coalesce(l.published_revision, 0),
           greatest(:newest, l.changed_at)
    FROM (
        SELECT key, min(counts) AS counts, min(durations) AS durations FROM {PARTS} GROUP BY key HAVING count(*) = 1
        UNION ALL SELECT key, counts, durations FROM {SUMS}
    ) AS n LEFT JOIN {SCHEMA}.figures AS l USING (key)
""")  # noqa: S608
# whoever was merged with another shows the sum of both, also when nothing is its own
_GROUPED = sa.text(f"""
    INSERT INTO {SHADOW}.figures (key, counts, revision, published_revision, changed_at)
    SELECT 'contact:' || contact_id, '{{}}', 1, 0, :newest FROM {SHADOW}.contacts
    WHERE root_id <> contact_id
       OR contact_id IN (SELECT root_id FROM {SHADOW}.contacts WHERE root_id <> contact_id)
    ON CONFLICT DO NOTHING
""")  # noqa: S608


class Shadow:
    """Writing the shadow tables; each call is a transaction of its own. Raises psycopg's and SQLAlchemy's errors.

    Several processes write for one run. Retryable when the tables are another run's by now: whoever begins takes them,
    and no process that was frozen, or outlived its run, writes into them any more.
    """

    def __init__(self, engine: AsyncEngine, run: str | None = None) -> None:
        self.run = run or uuid.uuid4().hex
        self._engine = engine
        self._tables = sa.MetaData(schema=SHADOW)
        for name in COMPUTED:
            metadata.tables[f"{SCHEMA}.{name}"].to_metadata(self._tables, schema=SHADOW)

    async def make(self) -> None:
        """Empty tables with their keys and nothing else to keep up to date while they are filled."""
        async with self._engine.begin() as connection:
            if await connection.scalar(sa.text("SELECT to_regclass(:run)"), {"run": RUN}) is not None:
                await connection.execute(sa.text(f"LOCK TABLE {RUN} IN ACCESS EXCLUSIVE MODE"))  # before all others
            await connection.execute(sa.text(f"DROP SCHEMA IF EXISTS {SHADOW} CASCADE"))
            await connection.execute(sa.text(f"CREATE SCHEMA {SHADOW}"))
            for table in self._tables.tables.values():
                await connection.execute(CreateTable(table))
            for statement in figures_apart(SHADOW):
                await connection.execute(sa.text(statement))
            for name, day in ((PARTS, ""), (SUMS, ""), (DAY_PARTS, "day int, ")):
                columns = f"key text, {day}counts text, durations text"
                await connection.execute(sa.text(f"CREATE UNLOGGED TABLE {name} ({columns})"))
            await connection.execute(sa.text(f"CREATE TABLE {RUN} (id text)"))
            await connection.execute(sa.text(f"INSERT INTO {RUN} VALUES (:run)"), {"run": self.run})  # noqa: S608

    async def must_be_mine(self, connection: AsyncConnection) -> None:
        """The tables are this run's, and stay so until the transaction ends."""
        if (await connection.execute(_MINE, {"run": self.run})).first() is None:
            raise Retryable("another rebuild has begun meanwhile")

    async def index(self, *names: str, only: str = "") -> None:
        """All other indexes of tables that are full, and what the planner wants to know; `only`: this index alone."""
        async with self._writing() as connection:
            for table in (self._tables.tables[f"{SHADOW}.{name}"] for name in names):
                for index in sorted(table.indexes, key=lambda each: str(each.name)):
                    if only in ("", index.name):
                        await connection.execute(CreateIndex(index, if_not_exists=True))
                await connection.execute(sa.text(f"ANALYZE {table.fullname}"))

    async def add_tickets(self, tickets: Sequence[tuple[TicketFacts, Marks]]) -> None:
        """Tickets as roots of their own, with their marks."""
        async with self._writing() as connection:
            await _copy(
                connection,
                "ticket_facts (ticket_id, root_id, contact_id, account_id, owner_id, team_id, version, last_day, "
                "rated_day, document)",
                ((t[0], t[0], *t[3:7], t.version, m.last_day, m.rated_day, t.to_json()) for t, m in tickets),
            )
            await _copy(
                connection,
                "clocks (ticket_id, contact_id, account_id, owner_id, team_id, waiting_since, next_due)",
                ((t[0], *t[3:7], m.waiting_since, m.next_due) for t, m in tickets if m.has_clock),
            )

    async def add_contacts(self, contacts: Mapping[str, ContactFacts], roots: Mapping[str, str]) -> None:
        """Contacts, with the one that each goes by."""
        await self._copy(
            "contacts (contact_id, root_id, account_id, version, document)",
            ((id_, roots[id_], each.account_id, each.version, each.to_json()) for id_, each in contacts.items()),
        )

    async def add_parts(self, some: Sums) -> None:
        """What some tickets add to the counters of contacts and accounts."""
        await self._copy("parts (key, counts, durations)", _columns(some.figures))
        await self._copy("day_parts (key, day, counts, durations)", _columns_by_day(some.days))

    async def add_sums(self, whole: Sums) -> None:
        """Whole counters of keys that have no parts."""
        await self._copy("sums (key, counts, durations)", _columns(whole.figures))
        await self._copy("days (key, day, counts, durations)", _columns_by_day(whole.days))

    async def make_days(self) -> None:
        """Parts by day into whole days; they are done with."""
        async for some in self._read(_DAYS_OFTEN):
            days = {(key, day): _joined(*parts) for key, day, *parts in some}
            await self.add_sums(Sums({}, days))
        async with self._writing() as connection:
            await connection.execute(BULK)
            await connection.execute(_DAYS)
            await connection.execute(sa.text(f"DROP TABLE {DAY_PARTS}"))

    async def make_figures(self, newest: datetime) -> None:
        """Parts and sums into figures; they are done with."""
        async for some in self._read(_OFTEN):
            await self.add_sums(Sums({key: _joined(*parts) for key, *parts in some}, {}))
        async with self._writing() as connection:
            await connection.execute(BULK)
            await connection.execute(_FIGURES, {"newest": newest})
            await connection.execute(_GROUPED, {"newest": newest})
            await connection.execute(sa.text(f"DROP TABLE {PARTS}, {SUMS}"))

    async def set_roots(self, roots: Sequence[tuple[str, str]]) -> None:
        """(merged ticket, the one at the end of its pointers)."""
        async with self._writing() as connection:
            await connection.execute(_ROOTS, {"ids": [id_ for id_, _ in roots], "roots": [to for _, to in roots]})

    async def set_tickets(self, changed: Sequence[Stored]) -> None:
        """Tickets that are there already, as they are now."""
        async with self._writing() as connection:
            await written(await driver(connection), rows.tickets_written(changed), counting="", schema=SHADOW)

    async def _read(self, statement: sa.TextClause) -> AsyncIterator[Sequence[Any]]:
        async with self._engine.connect() as reading:
            await reading.execute(BULK)
            found = await reading.stream(statement, execution_options={"yield_per": 5_000})
            async for some in found.partitions():
                yield some

    @asynccontextmanager
    async def _writing(self) -> AsyncIterator[AsyncConnection]:
        async with self._engine.begin() as connection:
            await self.must_be_mine(connection)
            yield connection

    async def _copy(self, table: str, values: Iterable[tuple[Any, ...]]) -> None:
        async with self._writing() as connection:
            await _copy(connection, table, values)


async def _copy(connection: AsyncConnection, table: str, values: Iterable[tuple[Any, ...]]) -> None:
    raw = await driver(connection)
    async with raw.cursor() as cursor, cursor.copy(f"COPY {SHADOW}.{table} FROM STDIN".encode()) as copy:
        for row in values:
            await copy.write_row(row)


def _columns(found: Mapping[str, Counters]) -> Iterable[tuple[Any, ...]]:
    """Each with its counters as they are stored; not those whose counters are all 0."""
    for key, counters in found.items():
        if any(counters.values()):
            yield key, *Columns.of(counters)


def _columns_by_day(days: Mapping[DayKey, Counters]) -> Iterable[tuple[Any, ...]]:
    for (key, day), counters in days.items():
        if any(counters.values()):
            yield key, day, *Columns.of(counters)


def _joined(counts: Sequence[str], durations: Sequence[str | None]) -> Counters:
    sums: Counters = {}
    for columns in map(Columns, counts, durations):
        into(sums, columns.counters)
    return sums
