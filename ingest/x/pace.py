"""How fast a month's money may be spent. Pure.

Reading keeps its pace as long as the share of the budget that is left is no smaller than the share of the month that
is left; below that it slows down in proportion, and when not even the smallest look can be paid it stops until the next
month begins.
"""

import calendar
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal

from bus.errors import Retryable

LEAST_POSTS = 5
"""X gives no fewer than this number of posts, if there are so many."""


@dataclass(frozen=True, slots=True)
class Purse:
    """`budget` of a month for reading, `spent` of it."""

    budget: Decimal
    spent: Decimal

    @property
    def left(self) -> Decimal:
        """Never below nothing."""
        return max(self.budget - self.spent, Decimal(0))


def month_of(now: datetime) -> str:
    """`2026-11`, by UTC."""
    return f"{now.astimezone(UTC):%Y-%m}"


def next_month(now: datetime) -> datetime:
    """When the next one begins."""
    first = now.astimezone(UTC).replace(day=1, hour=0, minute=0, second=0, microsecond=0)
    return (first + timedelta(days=32)).replace(day=1)


def every(purse: Purse, now: datetime, *, normal: float, slowest: float) -> float:
    """Seconds until the next look."""
    now = now.astimezone(UTC)
    begin = now.replace(day=1, hour=0, minute=0, second=0, microsecond=0)
    days = calendar.monthrange(now.year, now.month)[1]
    time_left = 1.0 - (now - begin) / timedelta(days=days)
    money_left = float(purse.left / purse.budget) if purse.budget else 0.0
    if money_left >= time_left:
        return normal
    if money_left <= 0:
        return max(normal, slowest)
    return max(normal, min(slowest, normal * time_left / money_left))


def posts_affordable(left: Decimal, *, most: int, per_post: Decimal, per_request: Decimal) -> int:
    """How many posts a look may bring: none when not even the fewest that X gives can be paid."""
    left -= per_request
    if left < 0:
        return 0
    number = most if per_post == 0 else min(most, int(left / per_post))
    return number if number >= LEAST_POSTS else 0


def used_up(purse: Purse, begins: datetime, wait: float) -> Retryable:
    """What an operator reads when reading stops."""
    return Retryable(
        f"this month's money is used up ({purse.spent:.2f} of {purse.budget:.2f}); it goes on on {begins:%Y-%m-%d}",
        kind="quota",
        after=wait,
    )
