"""Files that a payload names and does not hold (docs/adr/0010)."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import unquote, urlsplit

from bus.message import Attachment
from bus.model import BlobRef
from normalize.files import media_type_of
from normalize.legible import one_line, without_direction_marks

NOT_FETCHED = "attachment:not_fetched"
_MEDIA_TYPE = re.compile(r"[\w.+-]{1,64}/[\w.+-]{1,64}")
_LONGEST_NAME = 255
_EXTENSIONS = {
    "image/jpeg": ".jpg", "image/png": ".png", "image/gif": ".gif", "image/webp": ".webp", "video/mp4": ".mp4",
    "video/webm": ".webm", "audio/ogg": ".ogg", "audio/mpeg": ".mp3", "audio/mp4": ".m4a", "audio/wav": ".wav",
    "audio/x-wav": ".wav", "audio/amr": ".amr", "video/3gpp": ".3gp", "application/pdf": ".pdf",
    "text/vcard": ".vcf", "text/plain": ".txt", "application/x-tgsticker": ".tgs",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Remote:
    """A file at the provider. `source`: its URL, or what its API fetches it by. `name`, `media_type`: empty when the
    provider does not say; both are then guessed from each other, from the URL and from `kind` (`photo`, `voice` …)."""

    source: str
    name: str = ""
    media_type: str = ""
    size: int = 0
    kind: str = "attachment"


def attachments_of(remotes: list[Remote], fetched: Mapping[str, BlobRef], warnings: list[str]) -> list[Attachment]:
    """As attachments: with hash, size and blob where the receiver has fetched the bytes, else with a warning."""
    found = []
    for remote in {remote.source: remote for remote in remotes}.values():
        media_type = remote.media_type.split(";")[0].strip().lower()
        if not _MEDIA_TYPE.fullmatch(media_type):
            media_type = ""
        name = clean_name(remote.name) or _name_in(remote.source)
        told = media_type_of(name)
        if not media_type or (not remote.name and told.split("/")[0] == media_type.split("/")[0]):
            media_type = told  # a picture's address ends in what it is; "a photo" says less
        if not name:
            name = remote.kind + _EXTENSIONS.get(media_type, "")
        stored = fetched.get(remote.source)
        if stored is None:
            warnings.append(NOT_FETCHED)
        found.append(
            Attachment(
                name=name,
                media_type=media_type,
                size=stored.size if stored else remote.size,
                sha256=stored.blob.removeprefix("sha256/") if stored else "",
                blob=stored.blob if stored else None,
                source=one_line(remote.source)[:2000],
            )
        )
    return found


def clean_name(name: str) -> str:
    """A file's name without controls, direction marks and folders."""
    bare = without_direction_marks(one_line(name)).replace("\\", "/").rsplit("/", 1)[-1].strip()
    return bare[:_LONGEST_NAME]


def _name_in(source: str) -> str:
    """The last part of a URL's path, if it looks like a file's name."""
    try:
        path = urlsplit(source).path if "://" in source else ""
    except ValueError:
        return ""
    last = clean_name(unquote(path.rsplit("/", 1)[-1]))
    return last if re.fullmatch(r"[^.].{0,120}\.[A-Za-z0-9]{2,5}", last) else ""
