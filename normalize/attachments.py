"""Files that came with a mail: names, types, bytes (RFC 2183, RFC 2231)."""

import hashlib
import re
from collections.abc import Iterable

from bus.message import Attachment
from normalize.encoded_words import decode_words
from normalize.files import LooseFile
from normalize.headers import read_headers
from normalize.legible import one_line, without_direction_marks
from normalize.structure import Part
from normalize.transfer import decode_transfer

_EXTENSIONS = {
    "text/plain": ".txt", "text/html": ".html", "text/calendar": ".ics", "text/csv": ".csv", "message/rfc822": ".eml",
    "image/jpeg": ".jpg", "image/png": ".png", "image/gif": ".gif", "application/pdf": ".pdf",
    "application/pgp-signature": ".asc", "application/pkcs7-signature": ".p7s", "text/vcard": ".vcf",
    "message/delivery-status": ".txt", "text/rfc822-headers": ".txt",
    "text/rtf": ".rtf", "application/rtf": ".rtf", "application/zip": ".zip", "application/vnd.ms-outlook": ".msg",
    "application/pgp-encrypted": ".asc", "application/pkcs7-mime": ".p7m", "application/json": ".json",
    "application/ms-tnef": ".dat", "audio/mpeg": ".mp3", "audio/wav": ".wav", "video/mp4": ".mp4",
    "image/svg+xml": ".svg", "image/tiff": ".tif", "image/webp": ".webp",
    "image/heic": ".heic", "text/xml": ".xml",
    "application/xml": ".xml",
}  # fmt: skip
_DRIVE_PATH = re.compile(r"^(?:[A-Za-z]:)?(?:[^\\]*\\)+(?=[^\\])")
_LONGEST_NAME = 255


def blob_name(digest: str) -> str:
    """How the blob store calls bytes with that sha256 (hex)."""
    return f"sha256/{digest}"


def read_attachments(
    data: bytes, parts: Iterable[Part], loose: Iterable[LooseFile], warnings: list[str], blobs: dict[str, bytes]
) -> list[Attachment]:
    """The attachments of a mail; their bytes go into `blobs` under their blob names."""
    found = [_attachment(data, part, warnings, blobs) for part in parts]
    for file in loose:
        name = _clean_name(file.name) or "attachment" + _EXTENSIONS.get(file.media_type, "")
        found.append(_stored(name, file.media_type, file.data, blobs, file.content_id, inline=bool(file.content_id)))
    return found


def _attachment(data: bytes, part: Part, warnings: list[str], blobs: dict[str, bytes]) -> Attachment:
    octets = data[part.begin : part.end]
    if part.encoding:
        octets, damage = decode_transfer(octets, part.encoding)
        if damage:
            warnings.append(damage)
    name = part.disposition.parameters.get("filename") or part.content_type.parameters.get("name") or ""
    if not name and part.type == "message/rfc822":
        name = _subject_of(octets)
    content_id = one_line(part.headers.undecoded(b"content-id")).strip("<> ") or None
    shown = part.resource or content_id is not None
    inline = part.disposition.value == "inline" or (shown and part.disposition.value != "attachment")
    name = _clean_name(name) or "attachment" + _EXTENSIONS.get(part.type, "")
    return _stored(name, part.type, octets, blobs, content_id, inline=inline)


def _stored(
    name: str, media_type: str, octets: bytes, blobs: dict[str, bytes], content_id: str | None, *, inline: bool
) -> Attachment:
    digest = hashlib.sha256(octets).hexdigest()
    blob = blob_name(digest)
    blobs[blob] = octets
    return Attachment(
        name=name, media_type=one_line(media_type)[:127], size=len(octets), sha256=digest, content_id=content_id,
        inline=inline, blob=blob,
    )  # fmt: skip


def _clean_name(name: str) -> str:
    """A file's name without controls, direction marks and the folders of its sender's disk."""
    if "=?" in name:
        name = decode_words(name)
    name = without_direction_marks(one_line(name)).strip()
    if "\\" in name:
        name = _DRIVE_PATH.sub("", name)
    return name[:_LONGEST_NAME]


def _subject_of(octets: bytes) -> str:
    subject = one_line(read_headers(octets, 0, len(octets)).headers.text(b"subject"))
    return f"{subject[: _LONGEST_NAME - 4]}.eml" if subject else ""
