"""One batch, one transaction: facts, counters, revisions and progress together, or nothing."""

import time
from collections.abc import Callable, Collection, Sequence
from datetime import datetime

import psycopg
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncEngine

from bus.calendars import ONLY_STANDARD, Calendars
from bus.failpoints import failpoint
from bus.progress import FencedProgress, Moving, database_error
from bus.record import Received
from metrics_worker import counters, rows
from metrics_worker.contribution import CELL
from metrics_worker.driver import Driver, Part, transaction, written
from metrics_worker.event import decode, decode_contact
from metrics_worker.meters import AS_OF, BATCH_SECONDS, EVENTS
from metrics_worker.settling import Change, contacts_involved, involved, settle
from metrics_worker.tables import SCHEMA


class Store:
    """BatchHandler of the figures. `changed` hears the keys whose figures a committed batch has changed."""

    def __init__(
        self,
        engine: AsyncEngine,
        progress: FencedProgress,
        changed: Callable[[Collection[str]], None],
        calendars: Calendars = ONLY_STANDARD,
        *,
        contacts_topic: str = "contacts.events",
    ) -> None:
        self._engine = engine
        self._progress = progress
        self._changed = changed
        self._calendars = calendars
        self._contacts_topic = contacts_topic

    async def __call__(self, batch: Sequence[Received], /) -> None:
        """Settle a batch. Raises Invalid, Retryable and Fenced, with nothing written."""
        began = time.monotonic()
        events = [decode(record) for record in batch if record.topic != self._contacts_topic]
        contacts = [decode_contact(record) for record in batch if record.topic == self._contacts_topic]
        try:
            async with transaction(self._engine) as connection:
                change = settle(
                    await rows.tickets(connection, sorted(involved(events))) if events else {},
                    events,
                    await rows.contacts(connection, sorted(contacts_involved(contacts))) if contacts else {},
                    contacts,
                    self._calendars,
                )
                newest = max(each.recorded_at for found in (events, contacts) for each in found)
                keys = await write(connection, change, newest, self._progress.moving(batch))
                failpoint("figures.before_commit")
        except (DBAPIError, psycopg.Error) as error:
            raise database_error(error) from error
        failpoint("figures.after_commit")
        self._changed(keys)
        EVENTS.inc(len(batch))
        AS_OF.set(newest.timestamp())
        BATCH_SECONDS.observe(time.monotonic() - began)


async def write(
    connection: Driver, change: Change, changed_at: datetime, moving: Moving | None = None, schema: str = SCHEMA
) -> list[str]:
    """Write all of a change, and progress with it; the keys that show something else now and are published.

    Raises Fenced when progress is another's.
    """
    kept = await counters.added(connection, change, schema)
    parts = [
        *rows.tickets_written(change.tickets),
        *rows.contacts_written(change.contacts),
        *counters.written(kept, changed_at),
    ]
    if moving is not None:
        parts.append(Part("progress", moving.statement, moving.values))
    moved = await written(connection, parts, counting="progress", schema=schema)
    if moving is not None:
        moving.must_be_ours(moved)
    return [key for key in sorted(kept.figures) if CELL not in key]
