"""Raw records as a receiver writes them, and normalizers that do what a test wants."""

import hashlib
from collections.abc import Callable, Sequence
from datetime import UTC, datetime

from bus.errors import Invalid
from bus.headers import cloud_event
from bus.message import Author, NormalizedMessage, Ref
from bus.model import BlobRef
from bus.raw import Inline, RawMessage
from bus.record import Outgoing
from normalize.outcome import Ignored, Understood

TRACE = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"


def raw_record(account: str, payload: bytes | BlobRef, key: str = "c@customer.example") -> Outgoing:
    """A record for `raw.email`."""
    raw = RawMessage(
        channel="email",
        account=account,
        received_at=datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC),
        payload=payload if isinstance(payload, BlobRef) else Inline(base64=payload),
        envelope_from=key,
    )
    headers = cloud_event("id", raw.kind, f"/connectors/{account}", time=raw.received_at, traceparent=TRACE)
    return Outgoing("raw.email", key, raw.to_json(), headers)


def message(
    raw: RawMessage, payload: bytes, text: str | None = None, refs: list[Ref] | None = None
) -> NormalizedMessage:
    """A message that is made of the payload's digest and text."""
    return NormalizedMessage(
        message_id=hashlib.sha256(payload).hexdigest(),
        normalizer="test/1",
        channel=raw.channel,
        account=raw.account,
        source_id="s",
        author=Author(kind="email", address=raw.envelope_from or "nobody@customer.example"),
        text=payload.decode() if text is None else text,
        refs=refs or [],
    )


def normalizer(
    special: dict[bytes, Callable[[], object]] | None = None,
) -> Callable[[RawMessage, bytes], Sequence[Understood | Ignored]]:
    """Understands every payload; `ignore`, `invalid` and the `special` ones do what they say."""

    def normalize(raw: RawMessage, payload: bytes) -> Sequence[Understood | Ignored]:
        if payload == b"ignore":
            return [Ignored("nothing in it")]
        if payload == b"invalid":
            raise Invalid("nothing can be made of it")
        for word, act in (special or {}).items():
            if word in payload:
                act()
        return [Understood(message(raw, payload), {})]

    return normalize
