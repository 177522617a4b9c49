"""How a ticket's attachments are named in URLs: by what they came with and their place in it; never by a path. Pure."""

import re
from collections.abc import Mapping
from typing import Any, Final, NamedTuple
from urllib.parse import quote

from pydantic import BaseModel, ConfigDict, Field

FORM: Final = r"^(message|reply|comment|file)-[0-9a-f]{1,128}-[0-9]{1,4}$"
_PARTS: Final = re.compile(r"(message|reply|comment|file)-([0-9a-f]{1,128})-([0-9]{1,4})")
_UNSHOWN: Final = re.compile("[\x00-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069]")
_MEDIA_TYPE: Final = re.compile(r"[a-z0-9][a-z0-9!#$&^_.+-]{0,126}/[a-z0-9][a-z0-9!#$&^_.+-]{0,126}")


class AttachmentLink(BaseModel):
    """A file on a ticket. `url` gives its bytes; null: only the provider has it so far, or it is gone."""

    model_config = ConfigDict(frozen=True)

    id: str
    name: str
    media_type: str
    size: int = Field(description="Bytes.")
    sha256: str | None = None
    inline: bool = Field(default=False, description="Shown in the text it came with, not beside it.")
    url: str | None = None


class AttachmentId(NamedTuple):
    """`kind` and `id` of what it came with, and its place there."""

    kind: str
    of: str
    place: int


def attachment_id(text: str) -> AttachmentId | None:
    """The id that a URL names; None when it has no such form."""
    found = _PARTS.fullmatch(text)
    return AttachmentId(found[1], found[2], int(found[3])) if found else None


def link(number: int, kind: str, id_: str, place: int, attachment: Mapping[str, Any]) -> AttachmentLink:
    """The link of an attachment as messages and acts keep it."""
    name = f"{kind}-{id_}-{place}"
    return AttachmentLink(
        id=name,
        name=shown_name(attachment["name"]),
        media_type=media_type(attachment["media_type"]),
        size=attachment["size"],
        sha256=attachment.get("sha256") or (attachment.get("blob") or "").removeprefix("sha256/") or None,
        inline=attachment.get("inline") or False,
        url=f"/api/v1/tickets/{number}/attachments/{name}" if attachment.get("blob") else None,
    )


def shown_name(name: str) -> str:
    """A file's name that is safe to show and to save: no path, no letters that turn others round."""
    plain = _UNSHOWN.sub("", name).replace("\\", "/").rpartition("/")[2].strip(" .")
    return plain[:200] or "attachment"


def media_type(declared: str) -> str:
    """What it says it is, if that is a media type."""
    bare = declared.partition(";")[0].strip().lower()
    return bare if _MEDIA_TYPE.fullmatch(bare) else "application/octet-stream"


def disposition(name: str) -> str:
    """`Content-Disposition` that saves it under its name (RFC 6266): in ASCII for old readers, whole for others."""
    shown = shown_name(name).encode("utf-8", "replace").decode()
    plain = "".join(c if c.isascii() and c.isprintable() and c not in '"\\%' else "_" for c in shown)
    return f"attachment; filename=\"{plain}\"; filename*=UTF-8''{quote(shown, safe='')}"
