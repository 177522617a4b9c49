"""How much of a mail is read (reliability.md §3). What is beyond is kept raw and filed as "unparseable message"."""

from dataclasses import dataclass

MAIL_BYTES = 64 * 1024 * 1024
HEADER_BLOCK_BYTES = 64 * 1024
HEADERS = 300
PARTS = 500
DEPTH = 20
BOUNDARY_LIKE_LINES = 20_000
"""Lines that begin like a boundary and are none; each costs a look."""
REFERENCES = 100
ADDRESSES = 1_000
REPLY_CHARACTERS = 512 * 1024
"""Longer texts are searched for quoted history in this much from their beginning; the rest is left as it is."""


@dataclass(frozen=True, slots=True)
class LimitExceeded(Exception):
    """The mail is larger in some way than we read; `which` is the second half of the warning `limit:<which>`."""

    which: str


REPLY_CANDIDATES = 5_000
"""Lines that could begin a quote header; later ones are not looked at."""
HTML_CHARACTERS = 1024 * 1024
"""HTML beyond this is not turned into text; `html` holds all of it."""
HTML_NODES = 100_000
RTF_BYTES = 4 * 1024 * 1024
"""Rich text beyond this is left out; its packed form can claim to be of any length."""
BASE64_RUNS = 200_000
"""Padded stretches of one base64 body; what follows them is lost but for the original."""
BLANKS_AFTER_SOFT_BREAKS = 20_000
ISO_2022_BYTES = 2 * 1024 * 1024
"""Longer texts are read by the plain codec, without vendors' characters."""
HTML_ATTRIBUTES = 2_000
"""Of one element; a parser compares each with all others."""
TNEF_ATTRIBUTES = 10_000
"""Attributes of a TNEF part, and properties of one of them, that are read."""
