"""What each channel can carry back to a customer. Pure.

Lengths are in characters of text, as the providers document them; what a connector splits is counted whole.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Literal

from bus.message import AuthorKind, Channel

Visibility = Literal["public", "private"]

ON_ITS_OWN: Final[Mapping[Channel, frozenset[AuthorKind]]] = {
    # a visitor whose identity was checked is still at the other end of the chat, and so is who sends an SMS
    "chat": frozenset({"chat", "email", "phone"}),
    "forum": frozenset({"forum"}),
    "x": frozenset({"x"}),
    "facebook": frozenset({"facebook"}),
}
"""Channels on which the author is answered where he wrote, by the kinds of identity he may have there."""

LONGEST: Final[Mapping[tuple[Channel, Visibility], int]] = {
    ("chat", "private"): 4_000,
    ("x", "private"): 10_000,  # a direct message
    ("x", "public"): 2_800,  # ten posts; the connector counts by X's weights and splits
    ("facebook", "private"): 2_000,  # Messenger's send API
    ("facebook", "public"): 8_000,  # a comment
    ("forum", "private"): 32_000,
    ("forum", "public"): 32_000,  # Discourse's max_post_length
}
LONGEST_MAIL: Final = 100_000
"""A record of Kafka holds the whole reply, its HTML included."""

_MIB: Final = 1024 * 1024
_PICTURES: Final = frozenset({"image/jpeg", "image/png", "image/webp"})


@dataclass(frozen=True, slots=True)
class Files:
    """What a channel takes along with an answer. `types` None: any; `each`: bytes of one file."""

    most: int
    types: frozenset[str] | None = None
    each: int | None = None


FILES: Final[Mapping[tuple[Channel, Visibility], Files]] = {
    ("email", "private"): Files(50),
    ("forum", "private"): Files(10),
    ("forum", "public"): Files(10),
    ("x", "private"): Files(1, _PICTURES, 5 * _MIB),
    ("x", "public"): Files(4, _PICTURES, 5 * _MIB),
    ("facebook", "public"): Files(1, _PICTURES | {"image/gif"}, 10 * _MIB),
}
"""A channel that is not here takes none."""


def files_refused(channel: Channel, visibility: Visibility, files: Sequence[tuple[str, int]]) -> str | None:
    """Why these files (media type, bytes) cannot go along; None: they can."""
    taken = FILES.get((channel, visibility))
    if not files:
        return None
    if taken is None:
        return f"no files can be sent by {channel}; answer by mail, or put them on the ticket"
    if len(files) > taken.most:
        return f"{channel} takes at most {taken.most} files along with an answer"
    if taken.types is not None and any(kind.lower() not in taken.types for kind, _ in files):
        return f"{channel} takes pictures only: {', '.join(sorted(taken.types))}"
    if taken.each is not None and any(size > taken.each for _, size in files):
        return f"{channel} takes files of at most {taken.each} bytes"
    return None


def longest(channel: Channel, visibility: Visibility) -> int:
    """How long a reply may be."""
    return LONGEST.get((channel, visibility), LONGEST_MAIL)
