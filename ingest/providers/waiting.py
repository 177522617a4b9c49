"""How long a provider asks us to wait. Pure."""

from collections.abc import Mapping
from datetime import UTC, datetime

from normalize.dates import parse_date

LONGEST = 3600.0
"""Seconds: a provider that asks for more is asked again after this."""
_UNTOLD = 60.0


def retry_after(headers: Mapping[str, str], now: datetime, *, untold: float = _UNTOLD) -> float:
    """Seconds by `Retry-After` (RFC 9110 §10.2.3: seconds or a date), else by `x-rate-limit-reset` (seconds since
    1970), else `untold`; between 1 and LONGEST. `headers` by lower-case name.
    """
    told = headers.get("retry-after", "").strip()
    seconds: float | None = None
    if told:
        try:
            seconds = float(told)
        except ValueError:
            when = parse_date(told)
            seconds = None if when is None else (when - now).total_seconds()
    if seconds is None and (reset := headers.get("x-rate-limit-reset", "").strip()).isdigit():
        seconds = (datetime.fromtimestamp(min(int(reset), 2**32), UTC) - now).total_seconds()
    if seconds is None or seconds != seconds:  # noqa: PLR0124  # NaN
        seconds = untold
    return min(max(seconds, 1.0), LONGEST)
