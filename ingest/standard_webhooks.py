"""Standard Webhooks (standardwebhooks.com): the scheme of our own signed routes, for whoever has a choice."""

import binascii
import hashlib
import hmac
from base64 import b64decode, b64encode
from collections.abc import Sequence
from datetime import datetime

from pydantic import SecretStr
from starlette.datastructures import Headers

from ingest.signatures import only_header, same, unsigned

_WINDOW = 300
"""Seconds that a request may be old, or ahead."""
_PREFIX = "whsec_"


def key_of(secret: SecretStr) -> bytes:
    """The bytes of `whsec_<base64>`. Raises ValueError for anything else, or for fewer than 24 bytes."""
    text = secret.get_secret_value()
    try:
        key = b64decode(text.removeprefix(_PREFIX), validate=True)
    except (binascii.Error, ValueError):
        key = b""
    if not text.startswith(_PREFIX) or len(key) < 24:
        raise ValueError("a secret is whsec_ and the base64 of at least 24 random bytes")
    return key


def signature(key: bytes, message_id: str, timestamp: str, body: bytes) -> str:
    """`v1,<base64>` of what was sent under this id at this time (seconds since 1970)."""
    signed = f"{message_id}.{timestamp}.".encode() + body
    return "v1," + b64encode(hmac.new(key, signed, hashlib.sha256).digest()).decode()


def checked(headers: Headers, body: bytes, keys: Sequence[bytes], now: datetime) -> str:
    """The id of a request that is signed with one of the keys within the last five minutes. Raises Refusal 401.

    A replay within the window has the same id, and so makes the same message: use the id as idempotency key.
    """
    message_id = only_header(headers, "webhook-id")
    timestamp = only_header(headers, "webhook-timestamp")
    given = only_header(headers, "webhook-signature")
    if not timestamp.isascii() or not timestamp.isdigit() or len(timestamp) > 12:
        raise unsigned("webhook-timestamp is no number of seconds.")
    right = [signature(key, message_id, timestamp, body) for key in keys]
    if not sum(same(each, *right) for each in given.split(" ")[:10]):
        raise unsigned("The signature in webhook-signature does not fit this request.")
    if abs(now.timestamp() - int(timestamp)) > _WINDOW:
        raise unsigned("webhook-timestamp is too old, or in the future.")
    return message_id
