"""Whether an author is this desk itself."""

from bus.raw import RawMessage


def is_own(record: RawMessage, *names: str) -> bool:
    """Whether one of these ids or user names is among the record's own addresses; `@` and case make no difference."""
    own = {each.lower().lstrip("@") for each in record.own_addresses}
    return bool(own) and any(name.lower().lstrip("@") in own for name in names if name)
