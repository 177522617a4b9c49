"""Files of an answer: pictures, uploaded before the post that shows them. What nobody posts X forgets.

X API v2, Upload media (docs.x.com/x-api/media/upload-media): JPEG, PNG and WebP of at most 5 MB; four to a post, one to
a direct message.
"""

from collections.abc import Sequence
from typing import Literal

from bus.blobs import BlobStore
from bus.errors import Invalid
from bus.reply import ReplyAttachment
from ingest.contract import Refused
from ingest.x.client import XClient

Category = Literal["tweet_image", "dm_image"]

MOST: dict[Category, int] = {"tweet_image": 4, "dm_image": 1}
_TYPES = frozenset({"image/jpeg", "image/png", "image/webp"})
_LARGEST = 5 * 1024 * 1024


def check(files: Sequence[ReplyAttachment], category: Category) -> None:
    """Raise Refused for what X never takes."""
    if len(files) > MOST[category]:
        raise Refused(f"X takes at most {MOST[category]} pictures here; the reply has {len(files)} files")
    for file in files:
        if file.media_type.lower() not in _TYPES:
            raise Refused(f"X takes JPEG, PNG and WebP pictures from us; {file.name!r} is {file.media_type}")
        if file.size > _LARGEST:
            raise Refused(f"X takes pictures of at most {_LARGEST} bytes; {file.name!r} has {file.size}")


async def uploaded(
    client: XClient, blobs: BlobStore, files: Sequence[ReplyAttachment], category: Category
) -> list[str]:
    """What X calls them, in order. Raises Refused, and Retryable: nobody has seen anything yet."""
    found = []
    for file in files:
        try:
            data = await blobs.get(file.blob)
        except Invalid as error:
            raise Refused(str(error)) from error
        found.append(await client.upload(file.name, data, file.media_type.lower(), category))
    return found
