"""Files that stand in a mail's text or in another part, not in a part of their own."""

from mimetypes import MimeTypes
from typing import NamedTuple

_TYPES = MimeTypes(filenames=())
"""Python's own table: the answer must not depend on the files of this machine."""


class LooseFile(NamedTuple):
    """A file's name as it was given, its bytes, and what else is known of it."""

    name: str
    data: bytes
    media_type: str
    content_id: str | None = None


def media_type_of(name: str) -> str:
    """The media type that a name promises."""
    guessed, encoding = _TYPES.guess_type(name.replace("/", "_"), strict=False)
    return guessed if guessed and not encoding else "application/octet-stream"
