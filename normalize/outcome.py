"""What a normalizer returns, and its type."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from bus.message import NormalizedMessage
from bus.raw import RawMessage


@dataclass(frozen=True, slots=True)
class Understood:
    """A message, and the bytes (by blob name, `sha256/<hex>`) to put into the blob store before publishing it."""

    message: NormalizedMessage
    blobs: Mapping[str, bytes]


@dataclass(frozen=True, slots=True)
class Ignored:
    """Nothing is to be filed; `reason` is one line."""

    reason: str


Normalize: TypeAlias = Callable[[RawMessage, bytes], Sequence[Understood | Ignored]]
"""(record, payload) → outcomes. Pure. Raises `bus.errors.Invalid` when nothing at all can be made of it."""
