"""A webhook's request, or a polled item, as a raw record (docs/adr/0009)."""

from collections.abc import Mapping, Sequence
from datetime import datetime

from bus.message import Channel
from bus.model import BlobRef
from bus.raw import Inline, RawMessage

THREAD = ":thread"
"""The receiver's own note of the conversation, by which records are kept in order."""


def http_record(
    channel: Channel,
    account: str,
    body: bytes,
    *,
    received_at: datetime,
    method: str = "POST",
    path: str = "",
    headers: Mapping[str, str] | None = None,
    media_type: str = "application/json",
    thread: str = "",
    own_addresses: Sequence[str] = (),
    region: str | None = None,
    remote: str | None = None,
    files: Mapping[str, BlobRef] | None = None,
) -> RawMessage:
    """`path` with its query and without anything secret; `headers` only those that a normalizer reads."""
    return RawMessage(
        channel=channel,
        account=account,
        received_at=received_at,
        payload=Inline(base64=body),
        media_type=media_type,
        headers={":method": method, ":path": path, THREAD: thread, "content-type": media_type} | dict(headers or {}),
        own_addresses=list(own_addresses),
        region=region,
        remote=remote,
        files=dict(files or {}),
    )


def thread_of(raw: RawMessage) -> str:
    """The key of a record on its topic."""
    return raw.headers.get(THREAD, "")
