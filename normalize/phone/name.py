"""Name and version of this normalizer, as they stand in its messages."""

NORMALIZER = "phone/2"
