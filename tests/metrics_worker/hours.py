"""One set of calendars for the product and for the oracle: hours that change, a holiday, nights in which clocks do."""

from datetime import timedelta

from bus.calendars import Calendar, Calendars, micros, spans
from tests.metrics_worker.histories import BEGIN
from tests.metrics_worker.oracle_facts import Desk, Hours

_SECOND = BEGIN + timedelta(days=20)
_LATER = BEGIN + timedelta(days=2)
_AMSTERDAM = {
    **{day: [("09:00", "12:30"), ("13:00", "17:00")] for day in range(5)},
    6: [("01:00", "05:00")],  # over the hour that is skipped on 29 March 2026
}
_EARLIER = {day: [("08:00", "16:00")] for day in range(5)}
_TOKYO = {day: [("09:00", "18:00")] for day in range(6)}

DESK = Desk(
    own=(
        Hours("Europe/Amsterdam", _AMSTERDAM, ["2026-03-17"]),
        Hours("Europe/Amsterdam", _EARLIER, ["2026-03-17", "03-31"], _SECOND),
    ),
    others={("tokyo", 1): Hours("Asia/Tokyo", _TOKYO, [], _LATER)},
)


def _calendar(id_: str, version: int, hours: Hours) -> Calendar:
    week = tuple(spans(f"{begin}-{end}" for begin, end in hours.week.get(day, ())) for day in range(7))
    return Calendar(id_, version, hours.zone, week, frozenset(hours.holidays), max(0, micros(hours.since)))


CALENDARS = Calendars(
    "own",
    {
        "own": tuple(_calendar("own", n + 1, hours) for n, hours in enumerate(DESK.own)),
        "tokyo": (_calendar("tokyo", 1, DESK.others["tokyo", 1]),),
    },
)
