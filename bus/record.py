"""Records as they go to Kafka and come from it; everything else is built from these two."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import NamedTuple


class Partition(NamedTuple):
    """One partition of a topic."""

    topic: str
    partition: int


class Position(NamedTuple):
    """Where a record stands."""

    topic: str
    partition: int
    offset: int


@dataclass(frozen=True, slots=True)
class Outgoing:
    """A record to publish. `value` None is a tombstone; without `partition` the key decides."""

    topic: str
    key: str | None
    value: bytes | None
    headers: tuple[tuple[str, bytes], ...] = ()
    partition: int | None = None


@dataclass(frozen=True, slots=True)
class Received:
    """A record as it was read. `timestamp`: milliseconds since the epoch, set by its producer."""

    topic: str
    partition: int
    offset: int
    key: str | None
    value: bytes | None
    timestamp: int
    headers: Mapping[str, bytes] = field(default_factory=dict)

    @property
    def source(self) -> Partition:
        """The partition it was read from."""
        return Partition(self.topic, self.partition)

    @property
    def position(self) -> Position:
        """Where it stands."""
        return Position(self.topic, self.partition, self.offset)
