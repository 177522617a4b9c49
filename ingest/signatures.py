"""What the checks of signed requests share: the header that must be there once, the digests, the comparison.

Each scheme is a small function beside its connector, or here when several use it. All raise Refusal 401, whose text
says what was wrong with the request and never what would have been right.
"""

import hashlib
import hmac
from base64 import b64encode
from collections.abc import Iterable

from pydantic import SecretStr
from starlette.datastructures import Headers

from ingest.intake.route import Refusal


def unsigned(text: str) -> Refusal:
    """401 for a request that cannot show that its sender knows the secret."""
    return Refusal(401, "signature", text)


def only_header(headers: Headers, name: str) -> str:
    """The header's value. Missing, empty, or sent twice (which one would be meant?) raises Refusal."""
    values = headers.getlist(name)
    if len(values) != 1 or not values[0]:
        raise unsigned(f"The header {name} must be there, once.")
    return values[0]


def hex_sha256(secret: SecretStr, data: bytes) -> str:
    """HMAC-SHA256 in lower-case hexadecimal digits."""
    return _hmac(secret, data, "sha256").hex()


def base64_sha256(secret: SecretStr, data: bytes) -> str:
    """HMAC-SHA256 in base64."""
    return b64encode(_hmac(secret, data, "sha256")).decode()


def base64_sha1(secret: SecretStr, data: bytes) -> str:
    """HMAC-SHA1 in base64; for providers that know nothing better."""
    return b64encode(_hmac(secret, data, "sha1")).decode()


def same(given: str, *right: str) -> bool:
    """Whether it is one of these, in a time that does not depend on how much of it is right."""
    presented = given.encode("utf-8", "surrogatepass")
    # a sum compares all: which one fits is nobody's business either
    return sum(hmac.compare_digest(presented, each.encode()) for each in right) > 0


def check(headers: Headers, name: str, right: Iterable[str]) -> None:
    """The header must carry one of `right` (several while keys are rotated). Raises Refusal."""
    if not same(only_header(headers, name), *right):
        raise unsigned(f"The signature in {name} does not fit this body.")


def _hmac(secret: SecretStr, data: bytes, algorithm: str) -> bytes:
    return hmac.new(secret.get_secret_value().encode(), data, getattr(hashlib, algorithm)).digest()
