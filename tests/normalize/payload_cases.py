"""The golden payloads, and a record to read them with."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from bus.message import Channel
from bus.raw import Inline, RawMessage

GOLDEN = Path(__file__).parent.parent / "golden"
CHANNELS: tuple[Channel, ...] = ("website", "web_form", "phone", "chat", "forum", "x", "facebook")
CASES: list[tuple[Channel, Path]] = [
    (channel, path) for channel in CHANNELS for path in sorted((GOLDEN / channel).glob("*.in.*"))
]


def record(channel: Channel, **more: object) -> RawMessage:
    """A raw record as a receiver would publish it, but for its payload."""
    fields: dict[str, Any] = {
        "channel": channel,
        "account": "acc",
        "received_at": datetime(2026, 3, 4, 9, 16, tzinfo=UTC),
        "payload": Inline(base64=b""),
        "media_type": "application/json",
    }
    return RawMessage(**(fields | more))


def record_of(channel: Channel, path: Path) -> RawMessage:
    """The record of a golden payload. A multipart needs the boundary of its Content-Type."""
    if path.suffix == ".multipart":
        boundary = path.read_bytes().partition(b"\r\n")[0].removeprefix(b"--").decode()
        return record(channel, headers={":method": "POST"}, media_type=f"multipart/form-data; boundary={boundary}")
    return record(channel)
