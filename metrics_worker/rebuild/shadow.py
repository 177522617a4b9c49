"""The shadow tables: made like the live ones, filled in bulk, indexed when they are full."""

import json
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncEngine
from sqlalchemy.schema import CreateIndex, CreateTable

from metrics_worker.contacts import ContactFacts
from metrics_worker.driver import driver
from metrics_worker.facts import TicketFacts
from metrics_worker.rebuild.tally import Counters, into
from metrics_worker.settling import DayKey
from metrics_worker.store import encoded
from metrics_worker.tables import COMPUTED, SCHEMA, metadata

SHADOW = "metrics_rebuild"
PARTS = f"{SHADOW}.parts"
"""Counters of contacts, several rows a contact: what each stretch of the topic adds."""

Waiting = tuple[str, int | None, int | None]
"""Of a root: its id, `waiting_since` and `next_due`."""

_WAITING = sa.text(f"""
    UPDATE {SHADOW}.ticket_facts AS t SET waiting_since = n.since, next_due = n.due
    FROM unnest(CAST(:ids AS text[]), CAST(:since AS bigint[]), CAST(:due AS bigint[])) AS n(id, since, due)
    WHERE t.ticket_id = n.id
""")  # noqa: S608  # our own names, here and below
_ROOTS = sa.text(f"""
    UPDATE {SHADOW}.ticket_facts AS t SET root_id = n.root_id
    FROM unnest(CAST(:ids AS text[]), CAST(:roots AS text[])) AS n(id, root_id) WHERE t.ticket_id = n.id
""")  # noqa: S608
_ONCE = sa.text(f"""
    INSERT INTO {SHADOW}.figures
    SELECT key, min(counters), 1, 0, :newest FROM {PARTS} GROUP BY key HAVING count(*) = 1
""")  # noqa: S608
_OFTEN = sa.text(f"SELECT key, array_agg(counters) FROM {PARTS} GROUP BY key HAVING count(*) > 1")  # noqa: S608
# whoever was merged with another shows the sum of both, also when nothing is its own
_GROUPED = sa.text(f"""
    INSERT INTO {SHADOW}.figures
    SELECT 'contact:' || contact_id, '{{}}', 1, 0, :newest FROM {SHADOW}.contacts
    WHERE root_id <> contact_id
       OR contact_id IN (SELECT root_id FROM {SHADOW}.contacts WHERE root_id <> contact_id)
    ON CONFLICT DO NOTHING
""")  # noqa: S608


class Shadow:
    """Writing the shadow tables; each call is a transaction of its own. Raises psycopg's and SQLAlchemy's errors."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine
        self._tables = sa.MetaData(schema=SHADOW)
        for name in COMPUTED:
            metadata.tables[f"{SCHEMA}.{name}"].to_metadata(self._tables, schema=SHADOW)

    async def make(self) -> None:
        """Empty tables with their keys and nothing else to keep up to date while they are filled."""
        async with self._engine.begin() as connection:
            await connection.execute(sa.text(f"DROP SCHEMA IF EXISTS {SHADOW} CASCADE"))
            await connection.execute(sa.text(f"CREATE SCHEMA {SHADOW}"))
            for table in self._tables.tables.values():
                await connection.execute(CreateTable(table))
            await connection.execute(sa.text(f"CREATE UNLOGGED TABLE {PARTS} (key text, counters text)"))

    async def index(self, *names: str) -> None:
        """All other indexes of tables that are full, and what the planner wants to know."""
        async with self._engine.begin() as connection:
            for table in (self._tables.tables[f"{SHADOW}.{name}"] for name in names):
                for index in sorted(table.indexes, key=lambda each: str(each.name)):
                    await connection.execute(CreateIndex(index))
                await connection.execute(sa.text(f"ANALYZE {table.fullname}"))

    async def add_tickets(self, tickets: Iterable[tuple[TicketFacts, int | None, int | None]]) -> None:
        """Tickets as roots of their own, with what they wait for."""
        await self._copy(
            "ticket_facts (ticket_id, root_id, contact_id, account_id, owner_id, team_id, version, waiting_since, "
            "next_due, document)",
            ((t[0], t[0], *t[3:7], t.version, since, due, t.to_json()) for t, since, due in tickets),
        )

    async def add_contacts(self, contacts: Mapping[str, ContactFacts], roots: Mapping[str, str]) -> None:
        """Contacts, with the one that each goes by."""
        await self._copy(
            "contacts (contact_id, root_id, account_id, version, document)",
            ((id_, roots[id_], each.account_id, each.version, each.to_json()) for id_, each in contacts.items()),
        )

    async def add_parts(self, contacts: Mapping[str, Counters]) -> None:
        """What some tickets add to the counters of contacts."""
        await self._copy("parts (key, counters)", _texts(contacts))

    async def add_figures(self, figures: Mapping[str, Counters], newest: datetime) -> None:
        """Whole counters."""
        await self._copy(
            "figures (key, counters, revision, published_revision, changed_at)",
            ((key, counters, 1, 0, newest) for key, counters in _texts(figures)),
        )

    async def add_days(self, days: Mapping[DayKey, Counters]) -> None:
        """Whole counters by day."""
        await self._copy("days (key, day, counters)", ((*each, counters) for each, counters in _texts(days)))

    async def join_parts(self, newest: datetime) -> None:
        """The parts into whole counters."""
        async with self._engine.begin() as connection:
            await connection.execute(sa.text(f"ANALYZE {PARTS}"))
            await connection.execute(_ONCE, {"newest": newest})
        async with self._engine.connect() as reading:
            found = await reading.stream(_OFTEN, execution_options={"yield_per": 5_000})
            async for rows in found.partitions():
                await self.add_figures({key: _joined(parts) for key, parts in rows}, newest)

    async def complete_figures(self, newest: datetime) -> None:
        """A row for whoever shows the sum of a group; parts are done with."""
        async with self._engine.begin() as connection:
            await connection.execute(_GROUPED, {"newest": newest})
            await connection.execute(sa.text(f"DROP TABLE {PARTS}"))

    async def set_roots(self, roots: Sequence[tuple[str, str]]) -> None:
        """(merged ticket, the one at the end of its pointers)."""
        async with self._engine.begin() as connection:
            await connection.execute(_ROOTS, {"ids": [id_ for id_, _ in roots], "roots": [to for _, to in roots]})

    async def set_waiting(self, waiting: Sequence[Waiting]) -> None:
        """What groups wait for."""
        async with self._engine.begin() as connection:
            values = {
                "ids": [id_ for id_, _, _ in waiting],
                "since": [since for _, since, _ in waiting],
                "due": [due for _, _, due in waiting],
            }
            await connection.execute(_WAITING, values)

    async def _copy(self, table: str, values: Iterable[tuple[Any, ...]]) -> None:
        async with self._engine.begin() as connection:
            raw = await driver(connection)
            async with raw.cursor() as cursor, cursor.copy(f"COPY {SHADOW}.{table} FROM STDIN".encode()) as copy:
                for row in values:
                    await copy.write_row(row)


def _texts(found: Mapping[Any, Counters]) -> Iterable[tuple[Any, str]]:
    """Each with its counters as they are stored; not those whose counters are all 0."""
    for key, counters in found.items():
        if kept := {counter: n for counter, n in counters.items() if n}:
            yield key, encoded(kept)


def _joined(parts: Sequence[str]) -> Counters:
    sums: Counters = {}
    for part in parts:
        into(sums, json.loads(part))
    return sums
