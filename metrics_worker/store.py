"""One batch, one transaction: facts, counters, revisions and progress together, or nothing."""

import json
import time
from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import datetime

from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from bus.calendars import ONLY_STANDARD, Calendars
from bus.failpoints import failpoint
from bus.progress import FencedProgress, database_error
from bus.record import Received
from metrics_worker import rows
from metrics_worker.contribution import CELL
from metrics_worker.event import decode, decode_contact
from metrics_worker.meters import AS_OF, BATCH_SECONDS, EVENTS
from metrics_worker.settling import Change, contacts_involved, involved, settle
from metrics_worker.tables import SCHEMA, in_schema

_LOAD_COUNTERS = """
    SELECT key, NULL::int AS day, counters FROM metrics.figures WHERE key = ANY(CAST(:keys AS text[]))
    UNION ALL
    SELECT 'contact:' || m.contact_id, NULL, coalesce(f.counters, '{}')
    FROM metrics.contacts AS c JOIN metrics.contacts AS m ON m.root_id = c.root_id AND m.contact_id <> c.contact_id
    LEFT JOIN metrics.figures AS f ON f.key = 'contact:' || m.contact_id
    WHERE c.contact_id = ANY(CAST(:contacts AS text[]))
    UNION ALL
    SELECT d.key, d.day, d.counters FROM metrics.days AS d
    JOIN unnest(CAST(:day_keys AS text[]), CAST(:days AS int[])) AS n(key, day) ON d.key = n.key AND d.day = n.day
"""

_WRITE_FIGURES = """
    INSERT INTO metrics.figures AS f (key, counters, revision, published_revision, changed_at)
    SELECT key, counters, 1, 0, :changed_at
    FROM unnest(CAST(:keys AS text[]), CAST(:counters AS text[])) AS n(key, counters)
    ON CONFLICT (key) DO UPDATE SET counters = excluded.counters, revision = f.revision + 1,
                                    changed_at = greatest(f.changed_at, excluded.changed_at)
"""

_WRITE_DAYS = """
    INSERT INTO metrics.days (key, day, counters)
    SELECT * FROM unnest(CAST(:keys AS text[]), CAST(:days AS int[]), CAST(:counters AS text[]))
    ON CONFLICT (key, day) DO UPDATE SET counters = excluded.counters
"""


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
            async with self._engine.begin() as connection:
                change = settle(
                    await rows.tickets(connection, sorted(involved(events))) if events else {},
                    events,
                    await rows.contacts(connection, sorted(contacts_involved(contacts))) if contacts else {},
                    contacts,
                    self._calendars,
                )
                await rows.write_tickets(connection, change.tickets)
                await rows.write_contacts(connection, change.contacts)
                newest = max(each.recorded_at for found in (events, contacts) for each in found)
                keys = await add(connection, change, newest)
                await self._progress.move(connection, batch)
                failpoint("figures.before_commit")
        except DBAPIError as error:
            raise database_error(error) from error
        failpoint("figures.after_commit")
        self._changed(keys)
        EVENTS.inc(len(batch))
        AS_OF.set(newest.timestamp())
        BATCH_SECONDS.observe(time.monotonic() - began)


async def add(connection: AsyncConnection, change: Change, changed_at: datetime, schema: str = SCHEMA) -> list[str]:
    """Add what has changed to the counters; the keys that show something else now and are published."""
    touched = {*change.deltas, *change.touched}
    if not touched:
        return []
    days = sorted(change.days)
    found = await connection.execute(
        in_schema(schema, _LOAD_COUNTERS),
        {
            "keys": list(touched),
            "contacts": [key.removeprefix("contact:") for key in touched if key.startswith("contact:")],
            "day_keys": [key for key, _ in days],
            "days": [day for _, day in days],
        },
    )
    totals: dict[str, str] = dict.fromkeys(change.touched, "{}")
    by_day: dict[tuple[str, int], str] = {}
    for key, day, counters in found:
        if day is None:
            totals[key] = counters
        else:
            by_day[key, day] = counters
    for key, delta in change.deltas.items():
        totals[key] = added(totals.get(key, "{}"), delta)
    keys = sorted(totals)
    await connection.execute(
        in_schema(schema, _WRITE_FIGURES),
        {"keys": keys, "counters": [totals[key] for key in keys], "changed_at": changed_at},
    )
    if days:
        await connection.execute(
            in_schema(schema, _WRITE_DAYS),
            {
                "keys": [key for key, _ in days],
                "days": [day for _, day in days],
                "counters": [added(by_day.get(each, "{}"), change.days[each]) for each in days],
            },
        )
    return [key for key in keys if CELL not in key]


def added(counters: str, delta: Mapping[str, int]) -> str:
    """The counters with `delta` added, in the one form that equal counters have."""
    found: dict[str, int] = json.loads(counters)
    for counter, n in delta.items():
        if total := found.get(counter, 0) + n:
            found[counter] = total
        else:
            found.pop(counter, None)
    return encoded(found)


encoded = json.JSONEncoder(separators=(",", ":"), ensure_ascii=False, check_circular=False, sort_keys=True).encode
"""Counters as they are stored."""
