"""Spans of time as people write them in settings: `4h`, `1h 30m`, `90m`, `45s`."""

import re
from datetime import timedelta

_FORM = re.compile(r"\s*(?:(\d{1,6})\s*h)?\s*(?:(\d{1,6})\s*m)?\s*(?:(\d{1,6})\s*s)?\s*")


def span(value: object) -> object:
    """A text as the time it says; what is none stays. Raises ValueError for a text of another form.

    There are no days: what a day of working time is, calendars see differently.
    """
    if not isinstance(value, str):
        return value
    found = _FORM.fullmatch(value)
    if found is None or not any(found.groups()):
        raise ValueError(f"{value!r} is not of the form 4h, 1h 30m, 90m or 45s")
    hours, minutes, seconds = (int(part or 0) for part in found.groups())
    return timedelta(hours=hours, minutes=minutes, seconds=seconds)


def said(time: timedelta) -> str:
    """As it is written."""
    seconds = int(time.total_seconds())
    parts = ((seconds // 3600, "h"), (seconds % 3600 // 60, "m"), (seconds % 60, "s"))
    return " ".join(f"{count}{unit}" for count, unit in parts if count) or "0s"
