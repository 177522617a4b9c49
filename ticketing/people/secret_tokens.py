"""API tokens: `dsk_<id>_<secret>`. The id finds the row and is no secret; of the secret only a digest is kept. Pure."""

import hashlib
import hmac
import re
import secrets
from typing import Final

_FORM: Final = re.compile(r"dsk_([0-9a-f]{16})_([A-Za-z0-9_-]{43})")


def mint(id_: str | None = None) -> tuple[str, str, bytes]:
    """A new token, its id (16 hexadecimal digits), and the digest to keep."""
    known, secret = id_ or secrets.token_hex(8), secrets.token_urlsafe(32)
    return f"dsk_{known}_{secret}", known, digest(secret)


def taken_apart(bearer: str) -> tuple[str, str] | None:
    """Id and secret of what is a token by its form."""
    found = _FORM.fullmatch(bearer)
    return (found[1], found[2]) if found else None


def digest(secret: str) -> bytes:
    """What is kept. The secret has 256 bits of its own, so nothing slower than sha256 is needed."""
    return hashlib.sha256(secret.encode()).digest()


def same(secret: str, kept: bytes) -> bool:
    """Whether it is the secret that was kept, in a time that tells nothing."""
    return hmac.compare_digest(digest(secret), kept)
