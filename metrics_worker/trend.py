"""Figures by local day."""

from collections import defaultdict

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from bus.calendars import ONLY_STANDARD, Calendars
from metrics_worker import rows
from metrics_worker.columns import Columns, apart
from metrics_worker.contacts import feedback_of
from metrics_worker.contribution import contribution, has_days
from metrics_worker.driver import driver
from metrics_worker.event import time_of
from metrics_worker.figures import figures, parsed
from metrics_worker.pages import Day
from metrics_worker.scope import look, scope_of

# day by day, as the index has them: PostgreSQL skips from one to the next by itself from 18 on only
_DAYS = sa.text("""
    SELECT d.day, d.counts, d.durations
    FROM generate_series(greatest(:first, (SELECT min(day) FROM metrics.days)),
                         least(:last, (SELECT max(day) FROM metrics.days))) AS n(day)
    JOIN metrics.days AS d ON d.day = n.day AND d.key = :key ORDER BY d.day
""")


async def trend(
    connection: AsyncConnection, key: str, first: int, last: int, calendars: Calendars = ONLY_STANDARD
) -> list[Day]:
    """The days of a key on which anything happened, from `first` to `last` (days since 1970).

    A contact's days are not kept: they are counted from its tickets, which are few.
    """
    if not has_days(key):
        by_day = {day: apart(some) for day, some in (await _of_contact(connection, key, calendars)).items()}
    else:
        found = await connection.execute(_DAYS, {"key": key, "first": first, "last": last})
        by_day = {day: Columns(*columns).parts for day, *columns in found}
    return [
        Day(day=time_of(day * 86_400_000_000).date().isoformat(), figures=parsed(figures(*parts)))
        for day, parts in sorted(by_day.items())
        if first <= day <= last and any(parts)
    ]


async def _of_contact(connection: AsyncConnection, key: str, calendars: Calendars) -> dict[int, dict[str, int]]:
    scope = await scope_of(connection, key)
    days: defaultdict[int, defaultdict[str, int]] = defaultdict(lambda: defaultdict(int))
    async for looked in look(connection, scope):
        for portion in (portion for group in looked.groups for portion in contribution(group, calendars).shares):
            for _ in scope.keys.intersection(portion.keys):
                for day, counters in portion.by_day.items():
                    for counter, n in counters.items():
                        days[day][counter] += n
    for person in (await rows.contacts(await driver(connection), list(scope.contacts or ()))).values():
        for whose, fact in feedback_of(person.facts):
            if whose in scope.keys:
                days[fact.day]["feedback"] += 1
    return {day: dict(counters) for day, counters in days.items()}
