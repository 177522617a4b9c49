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
    r"(?:[A-Za-z]{3}\s?,?\s+)?(\d{1,2})\s+([A-Za-z]{3})\s+(\d{4})\s+(\d{1,2}):(\d\d)(?::(\d\d))?\s+([+-])(\d\d):?(\d\d)"
)
_ZONES = {  # hours from UTC; the American ones are known to the standard library
    "CET": 1, "CEST": 2, "MET": 1, "MEST": 2, "MEZ": 1, "MESZ": 2, "BST": 1, "WET": 0, "WEST": 1, "EET": 2, "EEST": 3,
    "MSK": 3, "IST": 5.5, "SGT": 8, "HKT": 8, "JST": 9, "KST": 9, "AWST": 8, "AEST": 10, "AEDT": 11, "NZST": 12,
    "NZDT": 13, "BRT": -3,
}  # fmt: skip
_ZONE = re.compile(r"\b([A-Z]{3,4})\s*$")
_AFTERNOON = re.compile(r"\b[Pp]\.?[Mm]\b")
_AROUND_COLON = re.compile(r"\s*:\s*")
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
    cleaned = _AROUND_COLON.sub(":", _COMMENT.sub("", value)).strip().strip("\"'")
    if not cleaned:
        return None
    if re.match(r"\d{4}-\d\d-\d\d", cleaned):
        when = datetime.fromisoformat(cleaned.replace(" UTC", "+00:00"))
        return (when.replace(tzinfo=UTC) if when.tzinfo is None else when).astimezone(UTC)
    fields = parsedate_tz(cleaned)
    if fields is None:
        return None
    year, month, day, hour, minute, second = fields[:6]
    if 100 <= year < 1000:  # RFC 5322 §4.3: three digits count from 1900
        year += 1900
    if hour < 12 and _AFTERNOON.search(cleaned):
        hour += 12
    zone = fields[9] or 0
    if not zone:
        named = _ZONE.search(cleaned)
        zone = int(_ZONES.get(named[1], 0) * 3600) if named else 0
    return datetime(
        year, month, day, hour, minute, min(second, 59), tzinfo=timezone(timedelta(seconds=zone))
    ).astimezone(UTC)
