"""The Date field of every age (RFC 5322 §3.3, §4.3, asctime, ISO 8601)."""

import re
from datetime import UTC, datetime, timedelta, timezone
from email.utils import parsedate_tz

_MONTHS = {
    name: number
    for number, name in enumerate(
        ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"), start=1
    )
}
_USUAL = re.compile(
    r"(?:[A-Za-z]{3},?\s+)?(\d{1,2})\s+([A-Za-z]{3})\s+(\d{4})\s+(\d{1,2}):(\d\d)(?::(\d\d))?\s+([+-])(\d\d)(\d\d)"
)
_COMMENT = re.compile(r"\([^()]*\)")
_LONGEST = 200
_OLDEST = 1900


def parse_date(value: str) -> datetime | None:
    """The instant in UTC, or None when the field is none. A date without a zone is taken as UTC."""
    value = value[:_LONGEST]
    try:
        found = _read(value)
    except (ValueError, OverflowError, TypeError, IndexError):
        return None
    return found if found is not None and found.year >= _OLDEST else None


def _read(value: str) -> datetime | None:
    usual = _USUAL.match(value)
    if usual is None or (month := _MONTHS.get(usual[2].lower())) is None:
        return _unusual(value)
    offset = timedelta(hours=int(usual[8]), minutes=int(usual[9]))
    when = datetime(  # noqa: DTZ001 - the offset is taken off by hand: a zone object costs more
        int(usual[3]), month, int(usual[1]), int(usual[4]), int(usual[5]), min(int(usual[6] or 0), 59)
    )
    return (when - offset if usual[7] == "+" else when + offset).replace(tzinfo=UTC)


def _unusual(value: str) -> datetime | None:
    cleaned = _COMMENT.sub(" ", value).strip().strip("\"'")
    if not cleaned:
        return None
    if re.match(r"\d{4}-\d\d-\d\d", cleaned):
        when = datetime.fromisoformat(cleaned.replace(" UTC", "+00:00"))
        return (when.replace(tzinfo=UTC) if when.tzinfo is None else when).astimezone(UTC)
    fields = parsedate_tz(cleaned)
    if fields is None:
        return None
    year, month, day, hour, minute, second = fields[:6]
    zone = fields[9] or 0
    return datetime(
        year, month, day, hour, minute, min(second, 59), tzinfo=timezone(timedelta(seconds=zone))
    ).astimezone(UTC)
