"""By what a mail is known: its Message-ID or, without one, a digest of what does not change on its way."""

import hashlib
import re

from normalize.headers import Headers
from normalize.legible import one_line

_ID = re.compile(r"<([^<>]*+)>")
_TOLD_APART_BY = (b"from", b"to", b"cc", b"subject", b"date", b"sender", b"reply-to")
_LONGEST = 998


def message_id_field(headers: Headers, name: bytes) -> list[str]:
    """The ids of a Message-ID, In-Reply-To or References field, without brackets, in order, one each."""
    raw = headers.undecoded(name)
    if not raw:
        return []
    if raw.count("<") == 1 and raw[0] == "<" and raw[-1] == ">" and " " not in raw and "\t" not in raw:
        found = [raw[1:-1]]
    else:
        # an id may be folded in its middle
        found = [re.sub(r"\s+", "", each) for each in _ID.findall(raw[: 64 * 1024])]
        if not found:
            found = [word.strip("<>,;\"'") for word in raw.split() if "@" in word or name == b"message-id"][:100]
    return list(dict.fromkeys(clean for each in found if (clean := one_line(each)[:_LONGEST])))


def source_id(headers: Headers, body: bytes | memoryview) -> tuple[str, bool]:
    """The Message-ID without brackets, and True; or a digest of the authored fields and the body, and False.

    Fields that servers add (Received, Return-Path, …) are not part of it: the same mail fetched twice has one id.
    """
    ids = message_id_field(headers, b"message-id")
    if ids:
        return ids[0], True
    digest = hashlib.sha256()
    for name in _TOLD_APART_BY:
        digest.update(headers.raw(name))
        digest.update(b"\0")
    digest.update(body)
    return f"sha256:{digest.hexdigest()}", False


def message_id(channel: str, account: str, source: str, body: bytes | memoryview) -> str:
    """The hex id of a message: the same item always has the same, other content with the same Message-ID another."""
    digest = hashlib.sha256(f"{channel}\0{account}\0{source}\0".encode())
    digest.update(body)
    return digest.hexdigest()
