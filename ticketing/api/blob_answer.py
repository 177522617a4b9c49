"""A blob as an answer: streamed, whole or in part, never run or shown by a browser that stumbles over it."""

import hashlib
from collections.abc import AsyncIterator
from typing import Final

import structlog
from fastapi import Request, Response
from fastapi.responses import StreamingResponse

from bus.blobs import BlobStore
from bus.errors import Invalid
from ticketing.acts.errors import Unknown
from ticketing.api.attachment_ids import AttachmentLink, disposition
from ticketing.api.byte_ranges import asked_span

log = structlog.get_logger()

_PIECE: Final = 256 * 1024
_SANDBOX: Final = "default-src 'none'; frame-ancestors 'none'; sandbox"


class Altered(Exception):
    """An answer has begun and cannot be finished: its connection is broken off."""


async def blob_answer(request: Request, blobs: BlobStore, blob: str, shown: AttachmentLink) -> Response:
    """The bytes of `blob`, as the file `shown`. Raises Unknown when they are gone, Refused for a range behind them."""
    try:
        size = await blobs.size(blob)
    except Invalid:
        raise Unknown("the bytes of this attachment are gone") from None
    etag = f'"{blob.removeprefix("sha256/")}"'
    headers = {
        "ETag": etag,
        "Accept-Ranges": "bytes",
        "Content-Disposition": disposition(shown.name),
        "Content-Security-Policy": _SANDBOX,
        "Cache-Control": "private, no-cache",
    }
    if etag in request.headers.get("if-none-match", ""):
        return Response(status_code=304, headers=headers)
    unchanged = request.headers.get("if-range", etag) == etag
    span = asked_span(request.headers.get("range"), size) if unchanged else None
    if span is None:
        headers["Content-Length"] = str(size)
        return StreamingResponse(_whole(blobs, blob, size), headers=headers, media_type=shown.media_type)
    headers |= {"Content-Length": str(span.end - span.start), "Content-Range": span.content_range(size)}
    pieces = _pieces(blobs, blob, span.start, span.end)
    return StreamingResponse(pieces, 206, headers=headers, media_type=shown.media_type)


async def _pieces(blobs: BlobStore, blob: str, start: int, end: int) -> AsyncIterator[bytes]:
    while start < end:
        piece = await blobs.part(blob, start, min(_PIECE, end - start))
        if not piece:
            return
        start += len(piece)
        yield piece


async def _whole(blobs: BlobStore, blob: str, size: int) -> AsyncIterator[bytes]:
    """All of it; an altered blob breaks off before its end, so that nobody takes it for the file."""
    digest, held = hashlib.sha256(), b""
    async for piece in _pieces(blobs, blob, 0, size):
        if held:
            yield held
        digest.update(piece)
        held = piece
    if f"sha256/{digest.hexdigest()}" != blob:
        log.error("api.blob_altered", blob=blob)
        raise Altered(f"the blob {blob} has been altered")
    yield held
