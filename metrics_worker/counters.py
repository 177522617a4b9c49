"""Counters for always and by day: reading those that a change adds to, and writing them."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import NamedTuple

from metrics_worker.columns import Columns, apart
from metrics_worker.driver import Driver, Part, fetched
from metrics_worker.settling import Change, DayKey

# durations that no change adds to are neither read nor written again
_LOAD = """
    SELECT f.key, NULL::int AS day, f.counts, CASE WHEN n.durations THEN f.durations END FROM metrics.figures AS f
    JOIN unnest(CAST(%(keys)s AS text[]), CAST(%(durations)s AS boolean[])) AS n(key, durations) ON f.key = n.key
    UNION ALL
    SELECT 'contact:' || m.contact_id, NULL, coalesce(f.counts, '{}'), f.durations
    FROM metrics.contacts AS c JOIN metrics.contacts AS m ON m.root_id = c.root_id AND m.contact_id <> c.contact_id
    LEFT JOIN metrics.figures AS f ON f.key = 'contact:' || m.contact_id
    WHERE c.contact_id = ANY(CAST(%(contacts)s AS text[]))
    UNION ALL
    SELECT d.key, d.day, d.counts, CASE WHEN n.durations THEN d.durations END FROM metrics.days AS d
    JOIN unnest(CAST(%(day_keys)s AS text[]), CAST(%(days)s AS int[]), CAST(%(day_durations)s AS boolean[]))
        AS n(key, day, durations) ON d.key = n.key AND d.day = n.day
"""

_WRITE_FIGURES = """
    INSERT INTO metrics.figures AS f (key, counts, durations, revision, published_revision, changed_at)
    SELECT key, counts, durations, 1, 0, %(changed_at)s
    FROM unnest(CAST(%(keys)s AS text[]), CAST(%(counts)s AS text[]), CAST(%(durations)s AS text[]))
        AS n(key, counts, durations)
    ON CONFLICT (key) DO UPDATE SET counts = excluded.counts, durations = coalesce(excluded.durations, f.durations),
                                    revision = f.revision + 1, changed_at = greatest(f.changed_at, excluded.changed_at)
"""

_WRITE_DAYS = """
    INSERT INTO metrics.days AS d (key, day, counts, durations)
    SELECT * FROM unnest(CAST(%(keys)s AS text[]), CAST(%(days)s AS int[]), CAST(%(counts)s AS text[]),
                         CAST(%(durations)s AS text[]))
    ON CONFLICT (key, day) DO UPDATE SET counts = excluded.counts,
                                         durations = coalesce(excluded.durations, d.durations)
"""


class Kept(NamedTuple):
    """What is to be stored."""

    figures: Mapping[str, Columns]
    days: Mapping[DayKey, Columns]


async def added(connection: Driver, change: Change, schema: str) -> Kept:
    """What is stored, with the change added."""
    touched = {*change.deltas, *change.touched}
    if not touched:
        return Kept({}, {})
    deltas = {key: apart(delta) for key, delta in change.deltas.items()}
    by_day = {each: apart(delta) for each, delta in change.days.items()}
    found = await fetched(
        connection,
        _LOAD,
        {
            "keys": list(touched),
            "durations": [key in deltas and bool(deltas[key][1]) for key in touched],
            "contacts": [key.removeprefix("contact:") for key in touched if key.startswith("contact:")],
            "day_keys": [key for key, _ in by_day],
            "days": [day for _, day in by_day],
            "day_durations": [bool(durations) for _, durations in by_day.values()],
        },
        schema,
    )
    nothing = Columns()
    figures = dict.fromkeys(change.touched, nothing)
    days: dict[DayKey, Columns] = {}
    for key, day, *columns in found:
        if day is None:
            figures[key] = Columns(*columns)
        else:
            days[key, day] = Columns(*columns)
    for key, delta in deltas.items():
        figures[key] = figures.get(key, nothing).plus(*delta)
    for each, delta in by_day.items():
        days[each] = days.get(each, nothing).plus(*delta)
    return Kept(figures, days)


def written(kept: Kept, changed_at: datetime) -> list[Part]:
    """To keep them; nothing when there are none."""
    parts: list[Part] = []
    if keys := sorted(kept.figures):
        rows = [kept.figures[key] for key in keys]
        parts.append(Part("figures", _WRITE_FIGURES, {"keys": keys, **_columns(rows), "changed_at": changed_at}))
    if days := sorted(kept.days):
        rows = [kept.days[each] for each in days]
        named = {"keys": [key for key, _ in days], "days": [day for _, day in days]}
        parts.append(Part("days", _WRITE_DAYS, named | _columns(rows)))
    return parts


def _columns(rows: Sequence[Columns]) -> dict[str, list[str] | list[str | None]]:
    return {"counts": [row.counts for row in rows], "durations": [row.durations for row in rows]}
