"""Counters as they are kept, for always and by day: reading those that a change adds to, and writing them."""

import json
from collections.abc import Mapping
from datetime import datetime
from typing import NamedTuple

from metrics_worker.driver import Driver, Part, fetched
from metrics_worker.measures import DURATION_FIGURES
from metrics_worker.settling import Change, DayKey

_LOAD = """
    SELECT key, NULL::int AS day, counters, NULL AS durations
    FROM metrics.figures WHERE key = ANY(CAST(%(keys)s AS text[]))
    UNION ALL
    SELECT 'contact:' || m.contact_id, NULL, coalesce(f.counters, '{}'), NULL
    FROM metrics.contacts AS c JOIN metrics.contacts AS m ON m.root_id = c.root_id AND m.contact_id <> c.contact_id
    LEFT JOIN metrics.figures AS f ON f.key = 'contact:' || m.contact_id
    WHERE c.contact_id = ANY(CAST(%(contacts)s AS text[]))
    UNION ALL
    SELECT d.key, d.day, d.counts, CASE WHEN n.durations THEN d.durations END FROM metrics.days AS d
    JOIN unnest(CAST(%(day_keys)s AS text[]), CAST(%(days)s AS int[]), CAST(%(durations)s AS boolean[]))
        AS n(key, day, durations) ON d.key = n.key AND d.day = n.day
"""

_WRITE_FIGURES = """
    INSERT INTO metrics.figures AS f (key, counters, revision, published_revision, changed_at)
    SELECT key, counters, 1, 0, %(changed_at)s
    FROM unnest(CAST(%(keys)s AS text[]), CAST(%(counters)s AS text[])) AS n(key, counters)
    ON CONFLICT (key) DO UPDATE SET counters = excluded.counters, revision = f.revision + 1,
                                    changed_at = greatest(f.changed_at, excluded.changed_at)
"""

# durations that have not changed are neither read nor written again
_WRITE_DAYS = """
    INSERT INTO metrics.days AS d (key, day, counts, durations)
    SELECT * FROM unnest(CAST(%(keys)s AS text[]), CAST(%(days)s AS int[]), CAST(%(counts)s AS text[]),
                         CAST(%(durations)s AS text[]))
    ON CONFLICT (key, day) DO UPDATE SET counts = excluded.counts,
                                         durations = coalesce(excluded.durations, d.durations)
"""

_NOTHING = "{}"


class OfDay(NamedTuple):
    """A day's counters as they are stored: those of durations, which are long, apart (None: none, or as they were)."""

    counts: str
    durations: str | None


class Kept(NamedTuple):
    """What is to be stored, in the one form that equal counters have."""

    figures: Mapping[str, str]
    days: Mapping[DayKey, OfDay]


async def added(connection: Driver, change: Change, schema: str) -> Kept:
    """What is stored, with the change added."""
    touched = {*change.deltas, *change.touched}
    if not touched:
        return Kept({}, {})
    deltas = {each: apart(delta) for each, delta in change.days.items()}
    found = await fetched(
        connection,
        _LOAD,
        {
            "keys": list(touched),
            "contacts": [key.removeprefix("contact:") for key in touched if key.startswith("contact:")],
            "day_keys": [key for key, _ in deltas],
            "days": [day for _, day in deltas],
            "durations": [bool(durations) for _, durations in deltas.values()],
        },
        schema,
    )
    totals: dict[str, str] = dict.fromkeys(change.touched, _NOTHING)
    by_day: dict[DayKey, OfDay] = {}
    for key, day, counters, durations in found:
        if day is None:
            totals[key] = counters
        else:
            by_day[key, day] = OfDay(counters, durations)
    for key, delta in change.deltas.items():
        totals[key] = _sum(totals.get(key), delta)
    for each, (counts, durations) in deltas.items():
        was = by_day.get(each, OfDay(_NOTHING, None))
        by_day[each] = OfDay(_sum(was.counts, counts), _sum(was.durations, durations) if durations else None)
    return Kept(totals, by_day)


def written(kept: Kept, changed_at: datetime) -> list[Part]:
    """To keep them; nothing when there are none."""
    parts: list[Part] = []
    if keys := sorted(kept.figures):
        values = {"keys": keys, "counters": [kept.figures[key] for key in keys], "changed_at": changed_at}
        parts.append(Part("figures", _WRITE_FIGURES, values))
    if days := sorted(kept.days):
        rows = [kept.days[each] for each in days]
        values = {
            "keys": [key for key, _ in days],
            "days": [day for _, day in days],
            "counts": [row.counts for row in rows],
            "durations": [row.durations for row in rows],
        }
        parts.append(Part("days", _WRITE_DAYS, values))
    return parts


def apart(counters: Mapping[str, int]) -> tuple[dict[str, int], dict[str, int]]:
    """Counters without those of durations, and these."""
    counts: dict[str, int] = {}
    durations: dict[str, int] = {}
    for counter, n in counters.items():
        (durations if counter.partition(":")[0] in DURATION_FIGURES else counts)[counter] = n
    return counts, durations


def _sum(counters: str | None, delta: Mapping[str, int]) -> str:
    found: dict[str, int] = json.loads(counters) if counters else {}
    for counter, n in delta.items():
        if total := found.get(counter, 0) + n:
            found[counter] = total
        else:
            found.pop(counter, None)
    return encoded(found)


encoded = json.JSONEncoder(separators=(",", ":"), ensure_ascii=False, check_circular=False, sort_keys=True).encode
"""Counters as they are stored."""
