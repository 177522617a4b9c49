"""Whether a message fits into a record; if not, its texts go to the blob store."""

from typing import Literal

from bus.blobs import blob_name
from bus.message import NormalizedMessage
from bus.model import BlobRef
from bus.topics import MAX_RECORD_BYTES

_ROOM = MAX_RECORD_BYTES - 64 * 1024
_TEXTS: tuple[Literal["html", "text", "reply_text"], ...] = ("html", "text", "reply_text")


def fitted(message: NormalizedMessage) -> tuple[NormalizedMessage, bytes, dict[str, bytes]]:
    """The message, its JSON, and the blobs that it then needs.

    Texts below the limit of one field may together, or escaped as JSON (six bytes for a control character), be
    too much for a record.
    """
    value = message.to_json()
    blobs: dict[str, bytes] = {}
    for field in _TEXTS:
        if len(value) <= _ROOM:
            break
        text = getattr(message, field)
        if isinstance(text, str) and text:
            data = text.encode()
            name = blob_name(data)
            blobs[name] = data
            message = message.model_copy(update={field: BlobRef(blob=name, size=len(data))})
            value = message.to_json()
    return message, value, blobs
