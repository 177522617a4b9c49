"""A reply as a mail: the same bytes for the same reply, always.

RFC 5322 and MIME; RFC 3834 for what is automatic. Written out by hand because confirmations are on the hot path:
the standard library's message objects cost tens of times as much for the same bytes (tests compare the two).
"""

import re
from base64 import b64encode
from binascii import b2a_qp
from collections.abc import Sequence
from dataclasses import dataclass
from email.utils import format_datetime
from hashlib import sha256

from bus.reply import Reply, ReplyAttachment
from ingest import mail_headers as header
from ingest.contract import Refused

_NON_ASCII = bytes(range(128, 256))
_LONGEST_LINE = 998
_MEDIA_TYPE = re.compile(r"[A-Za-z0-9][A-Za-z0-9.+_-]{0,60}/[A-Za-z0-9][A-Za-z0-9.+_-]{0,100}").fullmatch
_LANGUAGE = re.compile(r"[A-Za-z]{2,8}(?:-[A-Za-z0-9]{1,8}){0,6}").fullmatch


@dataclass(frozen=True, slots=True)
class Mail:
    """What is handed over. `envelope_from` "" is the null return path; `utf8`: the addresses need SMTPUTF8.

    `content`: CRLF lines of at most 998 bytes, the last one ended. ASCII throughout unless `utf8`.
    """

    envelope_from: str
    recipient: str
    message_id: str
    content: bytes
    utf8: bool


def compose(reply: Reply, own: str, files: Sequence[bytes] = ()) -> Mail:
    """The mail of a reply. `own`: the connector's address; `files`: the bytes of `reply.attachments`, in order.

    Raises Refused when a field cannot stand in a header, or the recipient's address in an envelope.
    """
    sender = header.address(reply.from_address or own, "sender's address")
    recipient = header.address(reply.recipient.address, "recipient's address")
    own_id = header.message_id(reply.message_id, "message id")
    if own_id is None:
        if reply.message_id is not None:
            raise Refused("the reply's message id cannot stand in a header")
        own_id = f"<{sha256(reply.reply_id.encode()).hexdigest()[:32]}@{sender.rpartition('@')[2]}>"
    lines = [
        header.mailbox("From", reply.from_name, sender),
        header.mailbox("To", reply.recipient.name, recipient),
    ]
    if reply.cc:
        lines.append(header.mailboxes("Cc", [(each.name, each.address) for each in reply.cc]))
    if reply.reply_token:
        lines.append(f"Reply-To: {header.plus_address(sender, reply.reply_token)}\r\n")
    lines.append(header.unstructured("Subject", reply.subject or ""))
    lines.append(f"Date: {format_datetime(reply.created_at)}\r\nMessage-ID: {own_id}\r\n")
    if parent := header.message_id(reply.in_reply_to, "in-reply-to"):
        lines.append(f"In-Reply-To: {parent}\r\n")
    if ids := [one for value in reply.references if (one := header.message_id(value, "references"))]:
        folded = "\r\n ".join(ids)
        lines.append(f"References: {folded}\r\n")
    if reply.automatic:
        lines.append("Auto-Submitted: auto-replied\r\nX-Auto-Response-Suppress: All\r\n")
    if reply.loop:
        lines.append(header.unstructured("X-Deskstream-Loop", reply.loop))
    if reply.language and _LANGUAGE(reply.language):
        lines.append(f"Content-Language: {reply.language}\r\n")
    lines.append("MIME-Version: 1.0\r\n")
    head = "".join(lines)
    content = head.encode("utf-8") + _body(reply, files)
    return Mail("" if reply.automatic else sender, recipient, own_id[1:-1], content, not head.isascii())


def _body(reply: Reply, files: Sequence[bytes]) -> bytes:
    shown = _text(reply.text, "plain")
    if reply.html is not None:
        shown = _multipart("alternative", reply.reply_id, [shown, _text(reply.html, "html")])
    if not reply.attachments:
        return shown
    parts = [_file(*pair) for pair in zip(reply.attachments, files, strict=True)]
    return _multipart("mixed", reply.reply_id, [shown, *parts])


def _text(text: str, subtype: str) -> bytes:
    """A part in the shortest transfer encoding that every server takes."""
    if "\0" in text:
        text = text.replace("\0", "\ufffd")
    if "\r" in text:
        text = text.replace("\r\n", "\n").replace("\r", "\n")
    if not text.endswith("\n"):
        text += "\n"
    data = text.replace("\n", "\r\n").encode("utf-8", "replace")
    ascii_bytes = len(data.translate(None, _NON_ASCII))
    if ascii_bytes == len(data) and (len(data) <= _LONGEST_LINE or max(map(len, text.split("\n"))) <= _LONGEST_LINE):
        encoding = "7bit"
    elif (len(data) - ascii_bytes) * 6 < len(data):
        encoding, data = "quoted-printable", b2a_qp(data, istext=True)
    else:
        encoding, data = "base64", _base64(data)
    return (
        f"Content-Type: text/{subtype}; charset=utf-8\r\nContent-Transfer-Encoding: {encoding}\r\n\r\n".encode() + data
    )


def _file(attachment: ReplyAttachment, data: bytes) -> bytes:
    kind = attachment.media_type.lower()
    # these two may not be encoded in base64 (RFC 2045 §6.4), and a mail inside ours must not be read as ours
    if not _MEDIA_TYPE(kind) or kind.startswith(("message/", "multipart/")):
        kind = "application/octet-stream"
    head = (
        f"Content-Type: {kind}\r\nContent-Transfer-Encoding: base64\r\n"
        f"Content-Disposition: attachment{header.parameter('filename', attachment.name)}\r\n\r\n"
    )
    return head.encode() + _base64(data)


def _multipart(subtype: str, seed: str, parts: Sequence[bytes]) -> bytes:
    n = 0
    while True:
        boundary = f"=_{sha256(f'{subtype} {n} {seed}'.encode()).hexdigest()[:32]}"
        mark = boundary.encode()
        if not any(mark in part for part in parts):
            break
        n += 1
    head = f'Content-Type: multipart/{subtype}; boundary="{boundary}"\r\n\r\n'.encode()
    body = b"".join(b"--" + mark + b"\r\n" + part + b"\r\n" for part in parts)
    return head + body + b"--" + mark + b"--\r\n"


def _base64(data: bytes) -> bytes:
    encoded = b64encode(data)
    if not encoded:
        return b""
    return b"\r\n".join(encoded[at : at + 76] for at in range(0, len(encoded), 76)) + b"\r\n"
