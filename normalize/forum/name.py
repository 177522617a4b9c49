"""Name and version of this normalizer, as they stand in its messages."""

NORMALIZER = "forum/1"
