"""One batch, one transaction: facts, counters, revisions and progress together, or nothing."""

import json
import time
from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import datetime
from typing import NamedTuple

import psycopg
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncEngine

from bus.calendars import ONLY_STANDARD, Calendars
from bus.failpoints import failpoint
from bus.progress import FencedProgress, Moving, database_error
from bus.record import Received
from metrics_worker import rows
from metrics_worker.contribution import CELL
from metrics_worker.driver import Driver, Part, fetched, transaction, written
from metrics_worker.event import decode, decode_contact
from metrics_worker.meters import AS_OF, BATCH_SECONDS, EVENTS
from metrics_worker.settling import Change, DayKey, contacts_involved, involved, settle
from metrics_worker.tables import SCHEMA

_LOAD_COUNTERS = """
    SELECT key, NULL::int AS day, counters FROM metrics.figures WHERE key = ANY(CAST(%(keys)s AS text[]))
    UNION ALL
    SELECT 'contact:' || m.contact_id, NULL, coalesce(f.counters, '{}')
    FROM metrics.contacts AS c JOIN metrics.contacts AS m ON m.root_id = c.root_id AND m.contact_id <> c.contact_id
    LEFT JOIN metrics.figures AS f ON f.key = 'contact:' || m.contact_id
    WHERE c.contact_id = ANY(CAST(%(contacts)s AS text[]))
    UNION ALL
    SELECT d.key, d.day, d.counters FROM metrics.days AS d
    JOIN unnest(CAST(%(day_keys)s AS text[]), CAST(%(days)s AS int[])) AS n(key, day) ON d.key = n.key AND d.day = n.day
"""

_WRITE_FIGURES = """
    INSERT INTO metrics.figures AS f (key, counters, revision, published_revision, changed_at)
    SELECT key, counters, 1, 0, %(changed_at)s
    FROM unnest(CAST(%(keys)s AS text[]), CAST(%(counters)s AS text[])) AS n(key, counters)
    ON CONFLICT (key) DO UPDATE SET counters = excluded.counters, revision = f.revision + 1,
                                    changed_at = greatest(f.changed_at, excluded.changed_at)
"""

_WRITE_DAYS = """
    INSERT INTO metrics.days (key, day, counters)
    SELECT * FROM unnest(CAST(%(keys)s AS text[]), CAST(%(days)s AS int[]), CAST(%(counters)s AS text[]))
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
    counters = await _counters(connection, change, schema)
    parts = [
        *rows.tickets_written(change.tickets),
        *rows.contacts_written(change.contacts),
        *_figures_written(counters.figures, changed_at),
        *_days_written(counters.days),
    ]
    if moving is not None:
        parts.append(Part("progress", moving.statement, moving.values))
    moved = await written(connection, parts, counting="progress", schema=schema)
    if moving is not None:
        moving.must_be_ours(moved)
    return [key for key in sorted(counters.figures) if CELL not in key]


class _Counters(NamedTuple):
    """What is to be stored, in the one form that equal counters have."""

    figures: Mapping[str, str]
    days: Mapping[DayKey, str]


async def _counters(connection: Driver, change: Change, schema: str) -> _Counters:
    """What is stored, with the change added."""
    touched = {*change.deltas, *change.touched}
    if not touched:
        return _Counters({}, {})
    found = await fetched(
        connection,
        _LOAD_COUNTERS,
        {
            "keys": list(touched),
            "contacts": [key.removeprefix("contact:") for key in touched if key.startswith("contact:")],
            "day_keys": [key for key, _ in change.days],
            "days": [day for _, day in change.days],
        },
        schema,
    )
    totals: dict[str, str] = dict.fromkeys(change.touched, "{}")
    by_day: dict[DayKey, str] = {}
    for key, day, counters in found:
        if day is None:
            totals[key] = counters
        else:
            by_day[key, day] = counters
    for key, delta in change.deltas.items():
        totals[key] = added(totals.get(key, "{}"), delta)
    return _Counters(totals, {each: added(by_day.get(each, "{}"), delta) for each, delta in change.days.items()})


def _figures_written(figures: Mapping[str, str], changed_at: datetime) -> list[Part]:
    if not figures:
        return []
    keys = sorted(figures)
    values = {"keys": keys, "counters": [figures[key] for key in keys], "changed_at": changed_at}
    return [Part("figures", _WRITE_FIGURES, values)]


def _days_written(days: Mapping[DayKey, str]) -> list[Part]:
    if not days:
        return []
    found = sorted(days)
    values = {
        "keys": [key for key, _ in found],
        "days": [day for _, day in found],
        "counters": [days[each] for each in found],
    }
    return [Part("days", _WRITE_DAYS, values)]


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
