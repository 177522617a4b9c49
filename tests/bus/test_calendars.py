"""Working time: hours, holidays, zones and the nights in which clocks change."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bus.calendars import ALWAYS, Calendar, Calendars, micros, spans
from bus.configured_calendars import configured
from bus.errors import ConfigError
from bus.settings import CalendarSettings, Settings
from tests.metrics_worker.hours import CALENDARS, DESK

AROUND_THE_CLOCK = Calendar("all", 1, "Europe/Amsterdam", 7 * (spans(["00:00-24:00"]),))


def hours(calendar: Calendar, begin: str, end: str) -> float:
    first, last = (micros(datetime.fromisoformat(text).replace(tzinfo=UTC)) for text in (begin, end))
    return calendar.between(first, last) / 3_600_000_000


def test_day_of_23_hours_and_day_of_25() -> None:
    assert hours(AROUND_THE_CLOCK, "2026-03-28 23:00", "2026-03-29 22:00") == 23
    assert hours(AROUND_THE_CLOCK, "2026-10-24 22:00", "2026-10-25 23:00") == 25
    night = Calendar("night", 1, "Europe/Amsterdam", 7 * (spans(["01:00-05:00"]),))
    assert hours(night, "2026-03-28 23:00", "2026-03-29 22:00") == 3
    assert hours(night, "2026-10-24 22:00", "2026-10-25 23:00") == 5
    skipped = Calendar("skipped", 1, "Europe/Amsterdam", 7 * (spans(["02:10-02:50"]),))
    assert hours(skipped, "2026-03-28 12:00", "2026-03-29 12:00") == pytest.approx(2 / 3)  # as clocks read it


def test_holiday_is_free() -> None:
    free = Calendar("free", 1, "UTC", 7 * (spans(["09:00-17:00"]),), frozenset({"2026-05-05", "12-25"}))
    assert hours(free, "2026-05-04 00:00", "2026-05-07 00:00") == 16
    assert hours(free, "2027-12-24 00:00", "2028-01-01 00:00") == 56


def test_over_years() -> None:
    assert hours(AROUND_THE_CLOCK, "2023-06-01 00:00", "2028-06-01 00:00") == 24 * 1827


def test_holiday_added_later_must_not_change_past_facts_silently() -> None:
    old = Calendar("desk", 1, "UTC", 7 * (spans(["09:00-17:00"]),))
    new = Calendar(
        "desk", 2, "UTC", old.week, frozenset({"2026-03-02"}), valid_from=micros(datetime(2026, 4, 1, tzinfo=UTC))
    )
    both = Calendars("desk", {"desk": (old, new)})
    assert both.of_desk(micros(datetime(2026, 3, 31, tzinfo=UTC))) is old
    assert both.of_desk(micros(datetime(2026, 4, 1, tzinfo=UTC))) is new
    assert both.measuring(None, 1) is old


_INSTANTS = st.integers(0, 60 * 24 * 400).map(lambda m: datetime(2026, 1, 1, tzinfo=UTC) + timedelta(minutes=m))


@settings(max_examples=60, deadline=None)
@given(_INSTANTS, _INSTANTS)
def test_agrees_with_counting_day_by_day(begin: datetime, end: datetime) -> None:
    pairs = [(CALENDARS.known["own"][0], DESK.own[0]), (CALENDARS.known["tokyo"][0], DESK.others["tokyo", 1])]
    for calendar, by_hand in pairs:
        expected = by_hand.worked(begin, end) if begin < end else timedelta()
        assert calendar.between(micros(begin), micros(end)) == expected // timedelta(microseconds=1)


@settings(max_examples=200, deadline=None)
@given(_INSTANTS, st.integers(1, 60 * 400), st.sampled_from(["own", "tokyo", "always"]))
def test_after_is_the_first_instant_by_which_so_much_was_worked(begin: datetime, minutes: int, which: str) -> None:
    calendar = ALWAYS if which == "always" else CALENDARS.known[which][0]
    since, amount = micros(begin), minutes * 60_000_000
    until = calendar.after(since, amount)
    assert until is not None
    assert calendar.between(since, until) == amount
    assert calendar.between(since, until - 1) == amount - 1
    assert calendar.after(since, 0) == since


def test_a_calendar_that_never_works_leads_nowhere() -> None:
    assert Calendar("idle", 1, "UTC", 7 * ((),)).after(0, 1) is None


def test_public_holidays_of_a_region_are_free() -> None:
    def calendar(region: str) -> Calendar:
        return configured(Settings(calendars={"standard": CalendarSettings(public_holidays=region)}))["standard"]

    assert hours(calendar("PT"), "2026-04-24 00:00", "2026-04-28 00:00") == 16  # 25 April is a Saturday
    assert hours(calendar("PT"), "2028-04-25 00:00", "2028-04-26 00:00") == 0
    women = "2027-03-08 00:00", "2027-03-09 00:00"
    assert (hours(calendar("DE-BE"), *women), hours(calendar("DE-BY"), *women)) == (0, 8)
    with pytest.raises(ConfigError, match="standard"):
        calendar("XX")


@pytest.mark.parametrize("wrong", ["9-17", "17:00-09:00", "09:00-24:30", "09:00"])
def test_hours_that_are_none_are_refused(wrong: str) -> None:
    with pytest.raises(ValueError, match=wrong.split("-", maxsplit=1)[0]):
        spans([wrong])
    with pytest.raises(ValueError, match="overlaps"):
        spans(["09:00-12:00", "11:00-13:00"])
