"""Working time: versioned calendars with hours, holidays and a time zone. Pure.

A calendar that has been used is never changed: other hours or holidays are another version, which holds from the moment
at which the worker first ran with it, so that what was measured before stays as it was measured.
"""

import re
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from functools import cached_property
from itertools import accumulate
from zoneinfo import ZoneInfo

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_DAY = timedelta(days=1)
_QUARTER = 900_000_000
_QUARTERS_KEPT = 100_000
_MOST_YEARS = 50
_EPOCH_DAY = date(1970, 1, 1).toordinal()
_HOURS = re.compile(r"([01]\d|2[0-3]):([0-5]\d)-([01]\d|2[0-4]):([0-5]\d)")

Span = tuple[int, int]
"""Minutes of a local day, from and to."""


def micros(instant: datetime) -> int:
    """Microseconds since 1970."""
    since = instant - EPOCH
    return (since.days * 86_400 + since.seconds) * 1_000_000 + since.microseconds


def instant(at: int) -> datetime:
    """The time so many microseconds after 1970."""
    return EPOCH + timedelta(microseconds=at)


def spans(hours: Iterable[str]) -> tuple[Span, ...]:
    """`["09:00-12:30", "13:00-24:00"]` as minutes. Raises ValueError when they are none, overlap or run backward."""
    found: list[Span] = []
    for text in hours:
        if (match := _HOURS.fullmatch(text)) is None:
            raise ValueError(f"{text!r} is not of the form 09:00-17:30")
        begin, end = int(match[1]) * 60 + int(match[2]), int(match[3]) * 60 + int(match[4])
        if not begin < end <= 24 * 60 or (found and begin < found[-1][1]):
            raise ValueError(f"{text!r} runs backward, ends after 24:00, or overlaps with what stands before it")
        found.append((begin, end))
    return tuple(found)


@dataclass(frozen=True)
class Calendar:
    """Working hours of the seven days of a week from Monday, in one time zone, without the holidays.

    A holiday is `2026-12-25`, or `12-25` for every year. `region`: whose public holidays are free too, and `public`
    their dates. `valid_from`: microseconds since 1970.
    """

    id: str
    version: int
    zone: str
    week: tuple[tuple[Span, ...], ...]
    holidays: frozenset[str] = frozenset()
    valid_from: int = 0
    region: str | None = None
    public: frozenset[str] = frozenset()
    _quarters: dict[int, tuple[int, int]] = field(default_factory=dict, compare=False, repr=False)
    _years: dict[int, tuple[Sequence[int], Sequence[int]]] = field(default_factory=dict, compare=False, repr=False)

    @property
    def reference(self) -> str:
        """How a fact names it."""
        return f"{self.id}@{self.version}"

    def day(self, at: int) -> int:
        """The local day of an instant, as days since 1970."""
        return self._local(at)[0]

    def between(self, begin: int, end: int) -> int:
        """Working time between two instants; all in microseconds."""
        if end <= begin:
            return 0
        first, last = self._year(begin), self._year(end)
        if first == last:
            return self._within(first, end) - self._within(first, begin)
        return (
            self._of_year(first)[1][-1]
            - self._within(first, begin)
            + sum(self._of_year(year)[1][-1] for year in range(first + 1, last))
            + self._within(last, end)
        )

    def after(self, begin: int, working: int) -> int | None:
        """The first instant until which so much working time has passed; None when it takes more than 50 years."""
        if working <= 0:
            return begin
        first = self._year(begin)
        left = self._within(first, begin) + working
        for year in range(first, first + _MOST_YEARS):
            edges, worked = self._of_year(year)
            if left <= worked[-1]:
                n = bisect_left(worked, left)
                return edges[n - 1] - (worked[n] - left)
            left -= worked[-1]
        return None

    @cached_property
    def _zone(self) -> ZoneInfo:
        return ZoneInfo(self.zone)

    def _year(self, at: int) -> int:
        return self._local(at)[1]

    def _local(self, at: int) -> tuple[int, int]:
        """Local day and year; zones differ from UTC by whole quarters of an hour, so within one both stay."""
        quarter = at // _QUARTER
        if (known := self._quarters.get(quarter)) is None:
            if len(self._quarters) >= _QUARTERS_KEPT:
                self._quarters.clear()
            local = (EPOCH + timedelta(microseconds=quarter * _QUARTER)).astimezone(self._zone).date()
            known = self._quarters[quarter] = local.toordinal() - _EPOCH_DAY, local.year
        return known

    def _within(self, year: int, at: int) -> int:
        """Working time from the beginning of a year until `at`."""
        edges, worked = self._of_year(year)
        n = bisect_right(edges, at)
        # edges begin and end work by turns: an odd number of them passed means that work goes on
        return worked[n] + (at - edges[n - 1] if n % 2 else 0)

    def _of_year(self, year: int) -> tuple[Sequence[int], Sequence[int]]:
        """Where work begins and ends, and how much was worked when n of these have passed."""
        if (known := self._years.get(year)) is not None:
            return known
        edges: list[int] = []
        day = date(year, 1, 1)
        while day.year == year:
            iso = day.isoformat()
            if iso not in self.public and not {iso, iso[5:]} & self.holidays:
                for begin, end in self.week[day.weekday()]:
                    since, until = self._instant(day, begin), self._instant(day, end)
                    if until > since:  # else the clock went forward over all of it
                        edges += (since, until)
            day += _DAY
        lengths = (edges[n] - edges[n - 1] if n % 2 else 0 for n in range(len(edges)))
        self._years[year] = edges, [0, *accumulate(lengths)]
        return self._years[year]

    def _instant(self, day: date, minute: int) -> int:
        local = datetime(day.year, day.month, day.day) + timedelta(minutes=minute)  # noqa: DTZ001  # zone follows
        return micros(local.replace(tzinfo=self._zone).astimezone(UTC))


@dataclass(frozen=True)
class Calendars:
    """All versions of all calendars; `desk`: whose hours count where an event names no other."""

    desk: str
    known: Mapping[str, tuple[Calendar, ...]]
    """By id, from the oldest version to the newest."""

    def of_desk(self, recorded_at: int) -> Calendar:
        """The desk's calendar in force at an instant; before the first, the first."""
        versions = self.known[self.desk]
        if versions[-1].valid_from <= recorded_at:
            return versions[-1]
        return next((each for each in reversed(versions) if each.valid_from <= recorded_at), versions[0])

    def named(self, id_: str | None, version: int | None, recorded_at: int) -> Calendar | None:
        """The calendar that an event names, if it was known when the event was recorded."""
        versions = self.known.get(id_ or "", ())
        return next((c for c in versions if c.version == version and c.valid_from <= recorded_at), None)

    def measuring(self, reference: str | None, desk_version: int) -> Calendar:
        """The calendar that a fact was or is measured with."""
        return self._by_reference[reference or f"{self.desk}@{desk_version}"]

    @cached_property
    def _by_reference(self) -> Mapping[str, Calendar]:
        return {calendar.reference: calendar for versions in self.known.values() for calendar in versions}


OFFICE_HOURS = spans(["09:00-17:00"])
ALWAYS = Calendar("always", 1, "UTC", 7 * (spans(["00:00-24:00"]),))
"""Around the clock."""
STANDARD = Calendar("standard", 1, "UTC", (*(5 * (OFFICE_HOURS,)), (), ()))
ONLY_STANDARD = Calendars("standard", {"standard": (STANDARD,)})
"""What counts when nothing is configured: Monday to Friday, 09:00 to 17:00 UTC, no holidays."""
