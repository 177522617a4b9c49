"""Reading the outbox: everything after an id, in the order in which it was committed."""

from collections.abc import Sequence
from datetime import datetime
from typing import LiteralString, NamedTuple

import psycopg
from psycopg.rows import class_row

from bus.leadership import Session, unreachable
from ticketing.outbox import CHANNEL

_AFTER: LiteralString = """
SELECT * FROM (
 (SELECT id, 'ticket' AS kind, ticket_id AS key, version, event_id AS name, type, occurred_at AS at, document,
         traceparent FROM desk.ticket_events WHERE id > %(last)s ORDER BY id LIMIT %(limit)s)
 UNION ALL
 (SELECT id, 'contact', contact_id, version, event_id, type, recorded_at, document, traceparent
    FROM desk.contact_events WHERE id > %(last)s ORDER BY id LIMIT %(limit)s)
 UNION ALL
 (SELECT id, 'reply', ticket_id, attempt, reply_id, channel, NULL, document, traceparent
    FROM desk.outgoing WHERE id > %(last)s ORDER BY id LIMIT %(limit)s)
) AS outbox ORDER BY id LIMIT %(limit)s
"""


class OutboxRow(NamedTuple):
    """One row of any of the three tables.

    | kind | key | version | name | type |
    |---|---|---|---|---|
    | `ticket` | ticket id | its version | event id | event type |
    | `contact` | contact id | its version | event id | event type |
    | `reply` | ticket id | attempt | reply id | channel |
    """

    id: int
    kind: str
    key: str
    version: int
    name: str
    type: str
    at: datetime | None
    document: str
    traceparent: str | None

    @property
    def mark(self) -> str:
        """By what the row is recognized again."""
        return f"{self.name}/{self.version}"


class Outbox:
    """The outbox as one session reads it."""

    def __init__(self, connection: Session, *, limit: int = 2_000) -> None:
        self._connection = connection
        self.limit = limit

    async def listen(self) -> None:
        """From here on `wait` wakes when somebody appends."""
        await self._rows("LISTEN " + CHANNEL)

    async def wait(self, seconds: float) -> None:
        """Return when something was appended since the last wait, or after so many seconds. Raises Retryable."""
        try:
            async for _ in self._connection.notifies(timeout=seconds, stop_after=1):
                return
        except psycopg.Error as error:
            raise unreachable(error) from None

    async def after(self, last: int) -> list[OutboxRow]:
        """The next rows, at most `limit`. Raises Retryable."""
        try:
            async with self._connection.cursor(row_factory=class_row(OutboxRow)) as cursor:
                await cursor.execute(_AFTER, {"last": last, "limit": self.limit})
                return await cursor.fetchall()
        except psycopg.Error as error:
            raise unreachable(error) from None

    async def at(self, id_: int) -> OutboxRow | None:
        """The row with this id."""
        rows = await self.after(id_ - 1)
        return rows[0] if rows and rows[0].id == id_ else None

    async def database(self) -> str:
        """A name for this database that no other has: its cluster's identifier and its own."""
        rows = await self._rows(
            "SELECT s.system_identifier::text || ':' || d.oid::text FROM pg_control_system() AS s, pg_database AS d "
            "WHERE d.datname = current_database()"
        )
        return "".join(f"{part}" for part in rows[0])

    async def _rows(self, statement: str) -> Sequence[tuple[object, ...]]:
        try:
            cursor = await self._connection.execute(statement)
            return await cursor.fetchall() if cursor.description else []
        except psycopg.Error as error:
            raise unreachable(error) from None
