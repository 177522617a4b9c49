"""Whether a webhook was signed with our secret. Pure; compared in constant time, over the body as it came.

A header that comes twice is no signature: which of the two would be meant?
"""

import base64
import hashlib
import hmac
from collections.abc import Sequence


def hex_signed(secret: str, body: bytes, given: Sequence[str], *, prefix: str = "") -> bool:
    """HMAC-SHA256 in hexadecimal: Discourse and Facebook with the prefix `sha256=`, Placetel without one."""
    return _same(given, prefix + hmac.new(secret.encode(), body, hashlib.sha256).hexdigest())


def base64_signed(secret: str, body: bytes, given: Sequence[str], *, prefix: str = "", digest: str = "sha256") -> bool:
    """HMAC in base64: X (SHA-256, prefix `sha256=`) and Twilio (SHA-1)."""
    return _same(given, prefix + base64.b64encode(hmac.digest(secret.encode(), body, digest)).decode())


def same_secret(given: str, secret: str) -> bool:
    """Whether it is the secret."""
    return hmac.compare_digest(given.encode("utf-8", "surrogatepass"), secret.encode())


def _same(given: Sequence[str], expected: str) -> bool:
    return len(given) == 1 and same_secret(given[0].strip(), expected)
