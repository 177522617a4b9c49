"""What each channel can carry back to a customer. Pure.

Lengths are in characters of text, as the providers document them; what a connector splits is counted whole.
"""

from collections.abc import Mapping
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

WITH_FILES: Final[frozenset[Channel]] = frozenset({"email"})
"""Channels that take files along."""


def longest(channel: Channel, visibility: Visibility) -> int:
    """How long a reply may be."""
    return LONGEST.get((channel, visibility), LONGEST_MAIL)
