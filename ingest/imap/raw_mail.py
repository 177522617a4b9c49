"""From what a mailbox gave to a raw record; pure."""

import re
from datetime import UTC, datetime, timedelta

from bus.raw import Inline, RawMessage
from ingest.imap.settings import EmailImapSettings

_BELIEVED = timedelta(days=7)
_RETURN_PATH = re.compile(rb"^return-path:[ \t]*<([^<>\s]+@[^<>\s]+)>[ \t]*\r?$", re.IGNORECASE | re.MULTILINE)
_FROM = re.compile(rb"^from:.*?([^\s<>,;:\"]+@[^\s<>,;:\"]+)", re.IGNORECASE | re.MULTILINE)
_HEADER_BYTES = 64 * 1024


def raw_mail(
    account: str,
    settings: EmailImapSettings,
    content: bytes,
    *,
    uid: str,
    arrived: datetime | None,
    now: datetime,
    left: int | None = None,
) -> RawMessage:
    """The mail as it is, with what only the mailbox knows of it.

    `uid`: `<UIDVALIDITY>/<UID>`. `arrived`: when the server received it, which counts as received unless it is long
    ago (an imported mailbox). `left`: the mail's size, when only its header was taken.
    """
    headers = {":mailbox": settings.folder, ":uid": uid}
    if left is not None:
        headers[":left-at-source"] = str(left)
    return RawMessage(
        channel="email",
        account=account,
        received_at=arrived if arrived and now - _BELIEVED <= arrived <= now else now,
        payload=Inline(base64=content),
        envelope_from=_envelope_from(content),
        own_addresses=list(settings.addresses),
        authserv_id=settings.authserv_id,
        headers=headers,
    )


def raw_key(raw: RawMessage) -> str:
    """The envelope's sender, else the author: what one person writes stays in order."""
    if raw.envelope_from:
        return raw.envelope_from
    found = _FROM.search(_header(raw.payload.base64)) if isinstance(raw.payload, Inline) else None
    return found[1].decode("utf-8", "replace").lower() if found else ""


def utc(moment: datetime | None) -> datetime | None:
    """In UTC; a time without a zone is taken for it."""
    if moment is None:
        return None
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)


def _envelope_from(content: bytes) -> str | None:
    """What the delivering server wrote on top; None for nothing and for the null path, which normalize reads."""
    found = _RETURN_PATH.search(_header(content))
    return found[1].decode("utf-8", "replace") if found else None


def _header(content: bytes) -> bytes:
    head = content[:_HEADER_BYTES]
    ends = [at for at in (head.find(b"\r\n\r\n"), head.find(b"\n\n")) if at >= 0]
    return head[: min(ends)] if ends else head
