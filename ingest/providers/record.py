"""A polled item as a raw record, and the key that keeps a conversation's records in order."""

from collections.abc import Mapping, Sequence
from datetime import datetime

from bus.message import Channel
from bus.model import BlobRef
from bus.raw import Inline, RawMessage

THREAD = ":thread"
"""The receiver's own note of the conversation a record belongs to."""


def polled_record(
    channel: Channel,
    account: str,
    item: bytes,
    *,
    received_at: datetime,
    path: str,
    thread: str = "",
    known: Mapping[str, str] | None = None,
    own_addresses: Sequence[str] = (),
    files: Mapping[str, BlobRef] | None = None,
) -> RawMessage:
    """`item`: its bytes as they came. `path`: what was asked, without anything secret. `known`: further headers."""
    return RawMessage(
        channel=channel,
        account=account,
        received_at=received_at,
        payload=Inline(base64=item),
        media_type="application/json",
        headers={":method": "GET", ":path": path, THREAD: thread, **(known or {})},
        own_addresses=list(own_addresses),
        files=dict(files or {}),
    )


def thread_of(raw: RawMessage) -> str:
    """The key of a record on its topic."""
    return raw.headers.get(THREAD, "")
