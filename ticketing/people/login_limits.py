"""How often somebody may fail to log in. Pure.

The tight limit is per name and network address together, so that nobody can lock an agent out from elsewhere; the
wide ones slow down whoever tries many names from one place, or one name from many.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

WINDOW: Final = timedelta(minutes=15)


@dataclass(frozen=True, slots=True)
class Failures:
    """How many there were since the first of them."""

    failures: int
    since: datetime


def limits(name: str, address: str) -> dict[str, int]:
    """Whose failures count, and after how many nothing more is tried within the window."""
    return {f"{name}|{address}": 5, f"address:{address}": 50, f"name:{name}": 100}


def wait(counted: Mapping[str, Failures], limits: Mapping[str, int], now: datetime) -> timedelta | None:
    """How long to wait before this try may be made; None: now. `counted`: with this try among the failures."""
    ends = [kept.since + WINDOW for subject, kept in counted.items() if kept.failures > limits[subject]]
    return max(ends) - now if ends else None
