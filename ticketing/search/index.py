"""Keeping the words up to date: read what the outbox tells, write what tickets and contacts are found by.

The ids of the outbox are in the order of commits (reliability: One outbox), so one number says how far it was
followed, and nothing that commits later stands below it. Filing pays nothing for the search, and is never held up:
the words follow it, within a second when there is little to do, and catch up afterwards when there is much.
"""

import asyncio
import json
import time
from collections.abc import Sequence
from dataclasses import dataclass

import sqlalchemy as sa
import structlog
from prometheus_client import Gauge
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from bus.blobs import BlobStore
from bus.errors import Invalid, Retryable
from bus.progress import database_error
from ticketing.rows import texts
from ticketing.search.following import Seen, Work, work
from ticketing.search.reading import contact_texts, ticket_texts
from ticketing.search.words import MOST_WORDS, words

log = structlog.get_logger()

BEHIND = Gauge("deskstream_search_behind_events", "Events in the outbox that the search has not followed yet")
SEARCH_LOCK = 0x73656172
"""Advisory lock of a transaction: one process follows at a time, the others have nothing to do."""
BATCH = 200
_IDLE, _DOWN = 0.5, 5.0
_REST = 8.0
"""After a full batch as many times the time it took are left to others: what comes in goes before what is found."""

_ALONE = sa.text("SELECT pg_try_advisory_xact_lock(:lock)")
_FROM = sa.text("SELECT outbox_id FROM desk.search_progress")
_SEEN = sa.text("""
(SELECT id, type, ticket_id AS owner, document FROM desk.ticket_events WHERE id > :after ORDER BY id LIMIT :limit)
UNION ALL
(SELECT id, type, contact_id, document FROM desk.contact_events WHERE id > :after ORDER BY id LIMIT :limit)
ORDER BY id LIMIT :limit
""")
_TO = sa.text("""
INSERT INTO desk.search_progress (one, outbox_id) VALUES (true, :to)
ON CONFLICT (one) DO UPDATE SET outbox_id = excluded.outbox_id
""")
_LAST = sa.text("""
SELECT greatest((SELECT max(id) FROM desk.ticket_events), (SELECT max(id) FROM desk.contact_events))
""")
_WHOLE = sa.text("""
INSERT INTO desk.ticket_words (ticket_id, number, words)
SELECT t.id, t.number, array_to_tsvector(string_to_array(n.words, ' '))
  FROM unnest(CAST(:ids AS text[]), CAST(:words AS text[])) AS n(id, words) JOIN desk.tickets t ON t.id = n.id
    ON CONFLICT (ticket_id) DO UPDATE SET words = excluded.words
""")
_MORE = sa.text(f"""
INSERT INTO desk.ticket_words AS w (ticket_id, number, words)
SELECT t.id, t.number, array_to_tsvector(string_to_array(n.words, ' '))
  FROM unnest(CAST(:ids AS text[]), CAST(:words AS text[])) AS n(id, words) JOIN desk.tickets t ON t.id = n.id
    ON CONFLICT (ticket_id) DO UPDATE SET words = w.words || excluded.words WHERE length(w.words) < {MOST_WORDS}
""")  # noqa: S608  # our own number
_PARTS = sa.text("DELETE FROM desk.ticket_words WHERE ticket_id = ANY(CAST(:ids AS text[]))")
_CONTACTS = sa.text("""
INSERT INTO desk.contact_words (contact_id, words)
SELECT n.id, array_to_tsvector(string_to_array(n.words, ' '))
  FROM unnest(CAST(:ids AS text[]), CAST(:words AS text[])) AS n(id, words)
    ON CONFLICT (contact_id) DO UPDATE SET words = excluded.words
""")
_ABSORBED = sa.text("DELETE FROM desk.contact_words WHERE contact_id = ANY(CAST(:ids AS text[]))")
_THEIR_TICKETS = sa.text("""
UPDATE desk.ticket_words AS w SET words = w.words || c.words
  FROM desk.tickets t JOIN desk.contact_words c ON c.contact_id = t.contact_id
 WHERE t.contact_id = ANY(CAST(:ids AS text[])) AND w.ticket_id = t.id
""")


@dataclass(frozen=True, slots=True)
class SearchIndex:
    """`blobs`: where texts lie that are too long for a topic."""

    engine: AsyncEngine
    blobs: BlobStore

    async def run(self) -> None:
        """Follow the outbox until cancelled; a database that is not there is waited for."""
        while True:
            began = time.monotonic()
            try:
                done = await self.step()
            except Retryable as error:
                log.warning("search.waits", detail=str(error))
                await asyncio.sleep(_DOWN)
                continue
            full = done >= BATCH
            await asyncio.sleep((time.monotonic() - began) * _REST if full else _IDLE)

    async def catch_up(self) -> None:
        """Follow until there is nothing more. Raises Retryable."""
        while await self.step():
            pass

    async def step(self) -> int:
        """Follow a piece of it, in one transaction; how many events those were. Raises Retryable."""
        try:
            async with self.engine.begin() as connection:
                if not await connection.scalar(_ALONE, {"lock": SEARCH_LOCK}):
                    return 0
                after = await connection.scalar(_FROM) or 0
                rows = (await connection.execute(_SEEN, {"after": after, "limit": BATCH})).all()
                if not rows:
                    BEHIND.set(0)
                    return 0
                seen = [Seen(row.id, row.type, row.owner, json.loads(row.document)["data"]) for row in rows]
                await self._do(connection, work(seen))
                await connection.execute(_TO, {"to": rows[-1].id})
                if len(rows) == BATCH:
                    BEHIND.set((await connection.scalar(_LAST) or 0) - rows[-1].id)
                return len(rows)
        except DBAPIError as error:
            meant = database_error(error)
            raise Retryable(str(meant)) if isinstance(meant, Invalid) else meant from error
        except PoolTimeout as error:
            raise Retryable("the database: no connection is free") from error

    async def _do(self, connection: AsyncConnection, todo: Work) -> None:
        if todo.contacts:
            await self._contacts(connection, sorted(todo.contacts))
        whole, more, parts = await ticket_texts(connection, self.blobs, todo)
        await self._write(connection, _WHOLE, whole)
        await self._write(connection, _MORE, more)
        if parts:
            await connection.execute(_PARTS, {"ids": texts(parts)})

    async def _contacts(self, connection: AsyncConnection, ids: Sequence[str]) -> None:
        found, absorbed = await contact_texts(connection, ids)
        await self._write(connection, _CONTACTS, found)
        if absorbed:
            await connection.execute(_ABSORBED, {"ids": texts(absorbed)})
        if found:
            await connection.execute(_THEIR_TICKETS, {"ids": texts(found)})

    async def _write(self, connection: AsyncConnection, statement: sa.TextClause, found: dict[str, list[str]]) -> None:
        if found:
            cut = await asyncio.to_thread(lambda: {id_: " ".join(words(said)) for id_, said in sorted(found.items())})
            await connection.execute(statement, {"ids": texts(cut), "words": texts(cut.values())})
