"""A desk on a real, fresh PostgreSQL."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncEngine

from bus.message import NormalizedMessage
from bus.progress import FencedProgress
from bus.record import Partition
from tests.conftest import Stack
from tests.ticketing.filing.memory import Outcome, plain
from tests.ticketing.filing.said import CONFIRMING, record
from ticketing.database import engine
from ticketing.filing import Filing
from ticketing.migrate import upgrade
from ticketing.schema import metadata
from ticketing.tables import progress

HERE = Partition("messages.email", 0)


@dataclass
class Desk:
    """Files messages as one partition of one process, and looks at what became of them."""

    url: str
    engine: AsyncEngine
    progress: FencedProgress
    filing: Filing
    offset: int = 0
    sent: list[NormalizedMessage] = field(default_factory=list)

    async def empty(self) -> None:
        """Begin anew."""
        names = ", ".join(table.fullname for table in metadata.sorted_tables)
        async with self.engine.begin() as connection:
            await connection.execute(sa.text(f"TRUNCATE {names}"))
            await connection.execute(sa.text("ALTER SEQUENCE desk.ticket_number RESTART"))
        self.offset = 0
        await self.progress.claim([HERE])

    async def file(self, *messages: NormalizedMessage) -> None:
        """File one batch."""
        batch = [record(message, self.offset + at) for at, message in enumerate(messages)]
        self.offset += len(batch)
        await self.filing(batch)

    async def rows(self, query: str, **values: object) -> list[tuple[Any, ...]]:
        """What a query finds."""
        async with self.engine.connect() as connection:
            return [tuple(row) for row in await connection.execute(sa.text(query), values)]

    async def rows_changed(self, statement: str, **values: object) -> None:
        """Change rows as another part of the desk does."""
        async with self.engine.begin() as connection:
            await connection.execute(sa.text(statement), values)

    async def conversations(self) -> list[set[str]]:
        """The message ids of each ticket, mergers followed, by the tickets' numbers."""
        rows = await self.rows(
            "SELECT r.number, m.id FROM desk.messages m JOIN desk.tickets t ON t.id = m.ticket_id "
            "JOIN desk.tickets r ON r.id = t.root_id ORDER BY r.number"
        )
        found: dict[int, set[str]] = {}
        for number, id_ in rows:
            found.setdefault(number, set()).add(id_.removeprefix("id-"))
        return list(found.values())

    async def history(self, number: int) -> list[str]:
        """The types of a ticket's events, in the order of the outbox."""
        rows = await self.rows(
            "SELECT e.type, e.version FROM desk.ticket_events e JOIN desk.tickets t ON t.id = e.ticket_id "
            "WHERE t.number = :number ORDER BY e.id",
            number=number,
        )
        assert [version for _, version in rows] == list(range(1, len(rows) + 1))
        return [type_.removeprefix("ticket.") for type_, _ in rows]

    async def requesters(self) -> list[str]:
        """The requester of each ticket that is not merged away, by number."""
        return [
            value
            for (value,) in await self.rows(
                "SELECT i.value FROM desk.tickets t JOIN desk.identities i USING (contact_id) WHERE t.root_id = t.id "
                "ORDER BY t.number"
            )
        ]

    async def outcome(self) -> Outcome:
        """What must not depend on the order; see MemoryDesk."""
        rows = await self.rows(
            "SELECT array_agg(m.id), min(i.value), array_agg(m.id) FILTER (WHERE m.third_party), min(t.messages), "
            "min(t.attachments), min(t.opened_at), "
            "min(t.last_message_at) FROM desk.messages m JOIN desk.tickets o ON o.id = m.ticket_id "
            "JOIN desk.tickets t ON t.id = o.root_id JOIN desk.identities i ON i.contact_id = t.contact_id "
            "GROUP BY t.id"
        )
        return frozenset((plain(ids), who, plain(third or ()), *rest) for ids, who, third, *rest in rows)

    async def settled(self) -> list[tuple[Any, ...]]:
        """Raw records that were not filed under their own position."""
        return await self.rows("SELECT raw_offset, outcome FROM desk.settled ORDER BY raw_offset")


@pytest.fixture(scope="session")
async def database(stack: Stack) -> str:
    """One migrated database for the session; `desk` empties it."""
    url = stack.new_database()
    await asyncio.to_thread(upgrade, url)
    return url


@pytest.fixture
async def desk(database: str) -> AsyncIterator[Desk]:
    """An empty desk whose progress is claimed."""
    pool = engine(database)
    fenced = FencedProgress(pool, progress, "deskstream.ticketing", "cluster")
    desk = Desk(database, pool, fenced, Filing(pool, fenced, CONFIRMING))
    await desk.empty()
    yield desk
    await pool.dispose()
