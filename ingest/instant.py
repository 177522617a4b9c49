"""A time as operators write it."""

import re
from datetime import UTC, datetime, timedelta

from bus.errors import ConfigError

_AGO = re.compile(r"(\d{1,6})\s*([smhdw])\Z")
_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days", "w": "weeks"}


def instant(text: str, now: datetime) -> datetime:
    """`2026-01-31T08:00Z`, `2026-01-31` (UTC) or `2h` (ago). Raises ConfigError."""
    if ago := _AGO.match(text.strip()):
        return now - timedelta(**{_UNITS[ago[2]]: int(ago[1])})
    try:
        found = datetime.fromisoformat(text.strip())
    except ValueError:
        raise ConfigError(f"{text!r} is no time; write 2026-01-31T08:00Z, or how long ago: 90m, 2h, 3d") from None
    return found.astimezone(UTC) if found.tzinfo else found.replace(tzinfo=UTC)
