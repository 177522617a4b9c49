"""Times as providers write them."""

import re
from datetime import UTC, datetime, timedelta

from normalize.dates import parse_date
from normalize.payload.fields import Fields

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECONDS = 10**11
"""A number beyond this counts milliseconds: as seconds it would lie in the year 5138."""
_MICROSECONDS = 10**14
_ASCTIME = re.compile(r"\w{3} (\w{3}) (\d\d?) (\d\d:\d\d:\d\d) ([+-]\d{4}) (\d{4})")
_NUMBER = re.compile(r"\d{9,17}(?:\.\d{1,9})?")


def instant(fields: Fields, *names: str) -> datetime | None:
    """The first of these fields that is a time: seconds, milliseconds or microseconds since 1970, ISO 8601, RFC 5322,
    or X's form of asctime. A time without a zone is taken as UTC. None when none is."""
    for name in names:
        value = fields.raw(name)
        if isinstance(value, bool):
            continue
        if isinstance(value, int | float):
            found = from_epoch(value)
        elif isinstance(value, str):
            found = from_text(value.strip())
        else:
            continue
        if found is not None:
            return found
    return None


def from_epoch(value: float) -> datetime | None:
    """None for what is not positive, or beyond the year 9999."""
    try:
        if not value > 0:
            return None
        unit = 1_000_000 if value >= _MICROSECONDS else 1_000 if value >= _MILLISECONDS else 1
        # whole numbers stay whole: a float of microseconds would lose the last ones
        micro = value * (1_000_000 // unit) if isinstance(value, int) else round(value * (1_000_000 // unit))
        return _EPOCH + timedelta(microseconds=micro)
    except (OverflowError, ValueError):
        return None


def from_text(text: str) -> datetime | None:
    """A text that is a time, in any of the forms of `instant`."""
    if len(text) > 100 or not text:
        return None
    if _NUMBER.fullmatch(text):
        return from_epoch(float(text) if "." in text else int(text))
    found = _ASCTIME.fullmatch(text)
    if found:
        text = f"{found[2]} {found[1]} {found[5]} {found[3]} {found[4]}"
    else:
        try:
            when = datetime.fromisoformat(text)
            return _plausible((when if when.tzinfo else when.replace(tzinfo=UTC)).astimezone(UTC))
        except (ValueError, OverflowError):
            pass
    return _plausible(parse_date(text))


def _plausible(when: datetime | None) -> datetime | None:
    """Providers write 1970 for "not yet"."""
    return when if when is not None and when.year > 1970 else None
