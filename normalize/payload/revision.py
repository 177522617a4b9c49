"""Numbers of revisions: what happened later has the greater one, without anybody keeping count (docs/adr/0011)."""

from datetime import UTC, datetime

CREATED = 0
LAST = 2**31 - 1
"""The greatest that a database's integer holds."""
_BEGIN = datetime(2010, 1, 1, tzinfo=UTC)


def revision_at(when: datetime | None) -> int:
    """The revision of a change at that time: seconds since 2010, at least 1. Without a time, 1."""
    if when is None:
        return 1
    return max(1, min(int((when - _BEGIN).total_seconds()), LAST - 1))
