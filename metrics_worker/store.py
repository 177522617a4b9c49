"""One batch, one transaction: facts, counters, revisions and progress together, or nothing."""

import time
from collections.abc import Callable, Collection, Sequence
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from bus.failpoints import failpoint
from bus.progress import FencedProgress, database_error
from bus.record import Received
from metrics_worker.event import decode
from metrics_worker.facts import TicketFacts
from metrics_worker.meters import BATCH_SECONDS, EVENTS
from metrics_worker.settling import Change, Stored, involved, settle

_LOAD = sa.text("""
    WITH roots AS MATERIALIZED (
        SELECT unnest(CAST(:ids AS text[])) AS id
        UNION
        SELECT root_id FROM metrics.ticket_facts WHERE ticket_id = ANY(CAST(:ids AS text[]))
    )
    SELECT ticket_id, root_id, document FROM metrics.ticket_facts
    WHERE ticket_id = ANY(ARRAY(SELECT id FROM roots))
    UNION ALL
    SELECT ticket_id, root_id, document FROM metrics.ticket_facts
    WHERE root_id = ANY(ARRAY(SELECT id FROM roots)) AND root_id <> ticket_id
""")

_WRITE_FACTS = sa.text("""
    INSERT INTO metrics.ticket_facts AS t (ticket_id, root_id, contact_id, version, document)
    SELECT * FROM unnest(CAST(:ids AS text[]), CAST(:roots AS text[]), CAST(:contacts AS text[]),
                         CAST(:versions AS int[]), CAST(:documents AS text[]))
    ON CONFLICT (ticket_id) DO UPDATE SET root_id = excluded.root_id, contact_id = excluded.contact_id,
                                          version = excluded.version, document = excluded.document
""")

_ADD = sa.text("""
    INSERT INTO metrics.counters AS c (key, figure, n)
    SELECT * FROM unnest(CAST(:keys AS text[]), CAST(:figures AS text[]), CAST(:deltas AS bigint[]))
    ON CONFLICT (key, figure) DO UPDATE SET n = c.n + excluded.n
""")

_TOUCH = sa.text("""
    INSERT INTO metrics.keys AS k (key, revision, published_revision, changed_at)
    SELECT key, 1, 0, :changed_at FROM unnest(CAST(:keys AS text[])) AS key
    ON CONFLICT (key) DO UPDATE SET revision = k.revision + 1, changed_at = greatest(k.changed_at, excluded.changed_at)
""")


class Store:
    """BatchHandler of the figures. `changed` hears the keys whose figures a committed batch has changed."""

    def __init__(
        self, engine: AsyncEngine, progress: FencedProgress, changed: Callable[[Collection[str]], None]
    ) -> None:
        self._engine = engine
        self._progress = progress
        self._changed = changed

    async def __call__(self, batch: Sequence[Received], /) -> None:
        """Settle a batch. Raises Invalid, Retryable and Fenced, with nothing written."""
        began = time.monotonic()
        events = [decode(record) for record in batch]
        try:
            async with self._engine.begin() as connection:
                change = settle(await load(connection, sorted(involved(events))), events)
                keys = await _write(connection, change, max(event.recorded_at for event in events))
                await self._progress.move(connection, batch)
                failpoint("figures.before_commit")
        except DBAPIError as error:
            raise database_error(error) from error
        failpoint("figures.after_commit")
        self._changed(keys)
        EVENTS.inc(len(events))
        BATCH_SECONDS.observe(time.monotonic() - began)


async def load(connection: AsyncConnection, ids: Sequence[str]) -> dict[str, Stored]:
    """The tickets of these ids that are known, and all of the merge groups they belong to or are the roots of."""
    rows = await connection.execute(_LOAD, {"ids": list(ids)})
    return {ticket_id: Stored(TicketFacts.from_json(document), root_id) for ticket_id, root_id, document in rows}


async def _write(connection: AsyncConnection, change: Change, changed_at: datetime) -> list[str]:
    if change.tickets:
        await connection.execute(
            _WRITE_FACTS,
            {
                "ids": [row.facts.ticket_id for row in change.tickets],
                "roots": [row.root_id for row in change.tickets],
                "contacts": [row.facts.contact_id for row in change.tickets],
                "versions": [row.facts.version for row in change.tickets],
                "documents": [row.facts.to_json() for row in change.tickets],
            },
        )
    if not change.deltas:
        return []
    await connection.execute(
        _ADD,
        {
            "keys": [key.key for key in change.deltas],
            "figures": [key.figure for key in change.deltas],
            "deltas": list(change.deltas.values()),
        },
    )
    keys = sorted({key.key for key in change.deltas})
    await connection.execute(_TOUCH, {"keys": keys, "changed_at": changed_at})
    return keys
