"""A record that could not be handled, whole, with its reason (`dead-letters`, compacted)."""

from typing import Literal

from bus.model import Time, Wire


class DeadLetter(Wire):
    """Everything that is needed to look at the record, try it again, or drop it.

    Its key is `topic/partition/offset` of the record. `value` is base64; with `value_omitted` the record was
    too large to be kept twice and stands on its topic only.
    """

    kind: Literal["dead.letter.v1"] = "dead.letter.v1"
    topic: str
    partition: int
    offset: int
    key: str | None
    headers: dict[str, str]
    value: bytes
    value_omitted: bool = False
    reason: str
    error: Literal["invalid", "unexpected", "died", "too_slow"]
    stage: str
    connector: str | None = None
    at: Time


def dead_letter_key(topic: str, partition: int, offset: int) -> str:
    """The key under which a record is parked."""
    return f"{topic}/{partition}/{offset}"
