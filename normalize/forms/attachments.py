"""Files of a submission; their bytes are in it."""

import binascii
from base64 import b64decode
from collections.abc import Iterable

from bus.message import Attachment
from normalize.attachments import blob_name
from normalize.files import media_type_of
from normalize.payload.fields import Fields
from normalize.payload.media import clean_name
from normalize.payload.multipart import File

DAMAGED = "attachment:damaged"
_MOST = 100


def files_in_json(attachments: list[Fields], warnings: list[str]) -> list[File]:
    """Those of a JSON submission; one whose base64 is damaged is left out with a warning."""
    found = []
    for each in attachments[:_MOST]:
        try:
            data = b64decode(
                each.text("data", "base64").partition("base64,")[2] or each.text("data", "base64"), validate=True
            )
        except (binascii.Error, ValueError):
            warnings.append(DAMAGED)
            continue
        found.append(File("attachments", each.line("name"), each.line("media_type").lower(), data))
    return found


def stored(files: Iterable[File], digests: Iterable[str], blobs: dict[str, bytes]) -> list[Attachment]:
    """As attachments; their bytes go into `blobs`. `digests`: their sha256."""
    found = []
    for file, digest in zip(files, digests, strict=True):
        name = clean_name(file.name) or "attachment"
        media_type = file.media_type if "/" in file.media_type else media_type_of(name)
        blobs[blob_name(digest)] = file.data
        found.append(
            Attachment(
                name=name, media_type=media_type[:127], size=len(file.data), sha256=digest, blob=blob_name(digest)
            )
        )
    return found
