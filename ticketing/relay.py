"""The one relay: the outbox of the desk, published in its order, exactly once (reliability, One relay).

    hold the lock → fence every predecessor → only then read the cursor → publish rows and cursor together

After any error the producer is spent and the cursor is read again: it alone knows whether the last transaction took
place. That a predecessor is fenced before the cursor is read is what makes the topics equal the tables.
"""

import asyncio
import time
from dataclasses import dataclass, field

import psycopg
import structlog
from prometheus_client import Counter, Gauge, Histogram
from psycopg.rows import namedtuple_row

from bus.connector import RelayCursor
from bus.errors import ConfigError, Invalid
from bus.failpoints import failpoint
from bus.kafka_settings import KafkaSettings
from bus.latest import latest_by_key
from bus.leadership import Session, session, unreachable
from bus.ticket_state import TicketState
from bus.transactions import KafkaTransactions, TransactionalPublisher
from ticketing.outbox_order import Outbox, OutboxRow
from ticketing.relay_records import CURSOR_KEY, RelayTopics, records
from ticketing.state import STATE_COLUMNS, STATE_FROM, ticket_state, wanted_versions

log = structlog.get_logger()

PUBLISHED = Counter("deskstream_relay_published_rows_total", "Outbox rows published")
BATCH = Histogram("deskstream_relay_batch_rows", "Outbox rows of one transaction", buckets=(1, 5, 25, 100, 500, 2_000))
TOOK = Histogram("deskstream_relay_transaction_seconds", "From reading the outbox to its being published")
LAG = Gauge("deskstream_relay_lag_seconds", "How old the oldest row of the last transaction was")

_TAIL = 1_000
_IDLE = 1.0


@dataclass(slots=True)
class Relay:
    """One term of the relay per call of `run`. `limit`: outbox rows in one transaction."""

    kafka: KafkaSettings
    database_url: str
    topics: RelayTopics = field(default_factory=RelayTopics)
    transactional_id: str = "relay"
    limit: int = 2_000
    published: int = field(default=0, init=False)
    """The last outbox id known to be published."""

    async def run(self) -> None:
        """Publish until cancelled, while the caller holds the relay's lock.

        Raises Retryable and Fenced: call it again after taking the lock again. Raises ConfigError when the database
        is not the one that the topics were written from.
        """
        publisher = self._publisher()
        try:
            await publisher.start()
            reading = await session(self.database_url)
            try:
                outbox = Outbox(reading, limit=self.limit)
                await outbox.listen()
                name = await outbox.database()
                self.published = await self._position(outbox, name)
                await self._publish_for_ever(publisher, outbox, reading, name)
            finally:
                await reading.close()
        finally:
            await publisher.stop()

    def _publisher(self) -> TransactionalPublisher:
        return KafkaTransactions(self.kafka, self.transactional_id)

    async def _position(self, outbox: Outbox, database: str) -> int:
        """The last outbox id published. Raises ConfigError when this database cannot have been its source."""
        topic = self.topics.cursor
        found = await latest_by_key(self.kafka, topic, tail=_TAIL) or await latest_by_key(self.kafka, topic)
        record = found.get(CURSOR_KEY)
        if record is None or record.value is None:
            return 0
        cursor = RelayCursor.from_json(record.value)
        row = await outbox.at(cursor.outbox_id) if cursor.database == database else None
        if row is None or (cursor.mark and cursor.mark != row.mark):
            raise ConfigError(
                f"outbox row {cursor.outbox_id} is on Kafka but not in this database: it is another one, or was "
                "restored from an older backup; restore the newer one, or begin with an empty Kafka cluster"
            )
        return cursor.outbox_id

    async def _publish_for_ever(
        self, publisher: TransactionalPublisher, outbox: Outbox, reading: Session, database: str
    ) -> None:
        while True:
            began = time.monotonic()
            rows = await outbox.after(self.published)
            if not rows:
                LAG.set(0)
                await outbox.wait(_IDLE)
                continue
            states = await _states(reading, rows)
            failpoint("relay.before_publish")
            try:
                await publisher.publish(records(self.topics, rows, states, database))
            except Invalid as error:
                raise ConfigError(f"outbox row after {self.published} cannot be published: {error}") from error
            failpoint("relay.after_publish")
            self.published = rows[-1].id
            took = time.monotonic() - began
            _measure(rows, took)
            await asyncio.sleep(_pace(len(rows)) - took)


async def _states(reading: Session, rows: list[OutboxRow]) -> list[TicketState]:
    """The documents of the tickets touched; if one has gone on meanwhile, its document travels with its later event."""
    wanted = wanted_versions([(row.key, row.version) for row in rows if row.kind == "ticket"])
    if not wanted:
        return []
    try:
        async with reading.cursor(row_factory=namedtuple_row) as cursor:
            await cursor.execute(
                f"SELECT {STATE_COLUMNS} FROM {STATE_FROM} WHERE t.id = ANY(%s)",  # noqa: S608  # our own columns
                (list(wanted),),
            )
            states = [ticket_state(row) for row in await cursor.fetchall()]
    except psycopg.Error as error:
        raise unreachable(error) from None
    return [state for state in states if state.version == wanted[state.id]]


def _pace(rows: int) -> float:
    """Seconds from one transaction to the next: each costs every partition it touches a marker, so under load they
    are few and large."""
    return max(0.05, min(0.15, rows / 400))


def _measure(rows: list[OutboxRow], took: float) -> None:
    PUBLISHED.inc(len(rows))
    BATCH.observe(len(rows))
    TOOK.observe(took)
    if rows[0].at is not None:
        LAG.set(max(0.0, time.time() - rows[0].at.timestamp()))
