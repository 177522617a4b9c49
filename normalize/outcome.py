"""What a normalizer returns, and its type."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple, TypeAlias

from bus.message import NormalizedMessage
from bus.raw import RawMessage


class Decision(NamedTuple):
    """One thing that was decided: a field of the message, what it was decided to be or by which rule, and why.

    `because` is evidence that a person can find in the original: a field's name, a line, the name of a class.
    """

    about: str
    decided: str
    because: str


Decisions: TypeAlias = list[Decision] | None
"""Where a deciding function puts its decisions; None, the normal way, when nobody asks."""


def _nothing_to_explain() -> Sequence[Decision]:
    return ()


@dataclass(frozen=True, slots=True)
class Understood:
    """A message, and the bytes (by blob name, `sha256/<hex>`) to put into the blob store before publishing it.

    `explain` reads the original once more and says what was decided on the way, in order.
    """

    message: NormalizedMessage
    blobs: Mapping[str, bytes]
    explain: Callable[[], Sequence[Decision]] = field(default=_nothing_to_explain, compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Ignored:
    """Nothing is to be filed; `reason` is one line."""

    reason: str


Normalize: TypeAlias = Callable[[RawMessage, bytes], Sequence[Understood | Ignored]]
"""(record, payload) → outcomes. Pure. Raises `bus.errors.Invalid` when nothing at all can be made of it."""
