"""What a blob is called: by the digest of its bytes."""

import hashlib
import re

from bus.errors import Invalid

_NAME = re.compile(r"sha256/[0-9a-f]{64}\Z")


def blob_name(data: bytes) -> str:
    """`sha256/<hex>`: the only name these bytes can have."""
    return f"sha256/{hashlib.sha256(data).hexdigest()}"


def is_blob_name(name: str) -> bool:
    """Whether a blob can be called so."""
    return _NAME.match(name) is not None


def checked_name(name: str) -> str:
    """The name. Raises Invalid for what is none, so that it never becomes a path."""
    if not is_blob_name(name):
        raise Invalid(f"{name[:100]!r} is no name of a blob")
    return name
