"""Sessions and uploads without a store: what we gave out says itself what it is, under our key.

A session's token is its id (128 random bits), when it was given out and the identity that was checked, with a MAC of
256 bits over all of it: whoever knows the id, which stands on topics, cannot make the token. An upload's handle names a
blob and belongs to one session.
"""

import hashlib
import hmac
import json
import secrets
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Sequence
from dataclasses import dataclass

from bus.model import BlobRef

_MAC = 32
_AHEAD = 300.0


@dataclass(frozen=True, slots=True)
class Session:
    """A conversation. `identity`: the mail address of who was logged in when it began."""

    id: str
    identity: str | None = None


class SessionTokens:
    """Of one connector. `keys`: the first signs, all are believed. `lasts`: seconds."""

    def __init__(self, account: str, keys: Sequence[bytes], lasts: float) -> None:
        self._account = account
        self._keys = keys
        self._lasts = lasts

    @staticmethod
    def begun(identity: str | None = None) -> Session:
        """A new session."""
        return Session(secrets.token_urlsafe(16), identity)

    def token(self, session: Session, now: float) -> str:
        """To be kept by the visitor's browser. `now`: seconds since 1970."""
        said = json.dumps([session.id, int(now), session.identity], ensure_ascii=False).encode()
        return _b64(self._mac(self._keys[0], b"session", said) + said)

    def session(self, token: str, now: float) -> Session | None:
        """Whose token it is; None when it is none of ours, or too old."""
        said = self._opened(b"session", token)
        if said is None:
            return None
        id_, issued, identity = json.loads(said)
        return Session(id_, identity) if -_AHEAD <= now - issued <= self._lasts else None

    def upload(self, session: Session, stored: BlobRef) -> str:
        """The handle of a file that this session has uploaded."""
        digest = bytes.fromhex(stored.blob.removeprefix("sha256/"))
        said = digest + stored.size.to_bytes(6, "big")
        return _b64(self._mac(self._keys[0], b"upload:" + session.id.encode(), said) + said)

    def uploaded(self, session: Session, handle: str) -> BlobRef | None:
        """The file behind it; None when this session has not uploaded it."""
        said = self._opened(b"upload:" + session.id.encode(), handle)
        if said is None or len(said) != 38:
            return None
        return BlobRef(blob=f"sha256/{said[:32].hex()}", size=int.from_bytes(said[32:], "big"))

    def _opened(self, use: bytes, sealed: str) -> bytes | None:
        try:
            data = urlsafe_b64decode(sealed.encode("ascii") + b"=" * (-len(sealed) % 4))
        except ValueError:
            return None
        mac, said = data[:_MAC], data[_MAC:]
        right = [hmac.compare_digest(mac, self._mac(key, use, said)) for key in self._keys]
        return said if any(right) else None

    def _mac(self, key: bytes, use: bytes, said: bytes) -> bytes:
        about = b"\0".join((b"chat", use, self._account.encode(), said))
        return hmac.new(key, about, hashlib.sha256).digest()


def _b64(data: bytes) -> str:
    return urlsafe_b64encode(data).rstrip(b"=").decode()
