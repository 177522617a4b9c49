"""How fast a month's money may be spent."""

from datetime import UTC, datetime
from decimal import Decimal

import pytest

from ingest.x.pace import Purse, every, month_of, next_month, posts_affordable

BEGIN, MIDDLE, END = (datetime(2026, 11, day, hour, tzinfo=UTC) for day, hour in ((1, 0), (16, 0), (30, 23)))


@pytest.mark.parametrize(
    ("now", "spent", "seconds"),
    [
        (BEGIN, 0, 60),
        (MIDDLE, 0, 60),
        (MIDDLE, 50, 60),  # half of the month, half of the money
        (MIDDLE, 75, 120),  # twice too fast: half as often
        (MIDDLE, 95, 600),
        (MIDDLE, 100, 3600),
        (BEGIN, 99, 3600),
        (END, 99, 60),  # the money outlasts the month
    ],
)
def test_reading_slows_down_as_money_runs_ahead_of_time(now: datetime, spent: int, seconds: float) -> None:
    found = every(Purse(Decimal(100), Decimal(spent)), now, normal=60, slowest=3600)
    assert found == pytest.approx(seconds, rel=0.01)


def test_without_money_it_is_slowest() -> None:
    assert every(Purse(Decimal(0), Decimal(0)), BEGIN, normal=60, slowest=3600) == 3600


@pytest.mark.parametrize(
    ("left", "per_post", "per_request", "number"),
    [
        ("10", "0.01", "0", 100),
        ("0.5", "0.01", "0", 50),
        ("0.05", "0.01", "0", 5),
        ("0.049", "0.01", "0", 0),  # X gives no fewer than five
        ("0.06", "0.01", "0.02", 0),
        ("0", "0", "0", 100),
        ("0", "0", "0.1", 0),
    ],
)
def test_no_look_costs_more_than_is_left(left: str, per_post: str, per_request: str, number: int) -> None:
    found = posts_affordable(Decimal(left), most=100, per_post=Decimal(per_post), per_request=Decimal(per_request))
    assert found == number


def test_months_are_utc() -> None:
    east = datetime.fromisoformat("2026-12-01T01:30:00+02:00")
    assert month_of(east) == "2026-11"
    assert next_month(east) == datetime(2026, 12, 1, tzinfo=UTC)
    assert next_month(datetime(2026, 12, 31, 23, tzinfo=UTC)) == datetime(2027, 1, 1, tzinfo=UTC)
