"""A mail's bytes to its NormalizedMessage (RFC 5322 and what is sent in its name)."""

import hashlib
from collections.abc import Sequence
from datetime import datetime
from functools import partial
from typing import NamedTuple

from bus.errors import Invalid
from bus.message import (
    INLINE_TEXT_BYTES,
    Address,
    Attachment,
    Author,
    Automation,
    Forwarded,
    NormalizedMessage,
)
from bus.model import BlobRef
from bus.raw import RawMessage
from normalize.addresses import Mailbox, canonical, parse_addresses
from normalize.attachments import blob_name, read_attachments
from normalize.authentication import read_authentication
from normalize.authors import author_of
from normalize.automation import HUMAN, recognise
from normalize.bodies import Written, choose_bodies, read_bodies, where_text_is, with_packed
from normalize.dates import parse_date
from normalize.declared_language import declared_language
from normalize.forwarded import find_forwarded
from normalize.front import skip_front, with_line_feeds
from normalize.headers import Block, charset_of_mail, read_headers
from normalize.identity import message_id, source_id
from normalize.language import detect_language
from normalize.legible import one_line
from normalize.letter import Letter, is_null_sender
from normalize.limits import MAIL_BYTES, LimitExceeded
from normalize.loop import loop_of
from normalize.origin import network_of
from normalize.outcome import Decision, Decisions, Ignored, Understood
from normalize.outlook_parts import files_of, take_packed
from normalize.refs import addressed_to, collect_refs
from normalize.reply_text import reply_text
from normalize.structure import read_structure, unwrapped

NORMALIZER = "mail/2"
_COMPOUND_FILE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
"""What an Outlook .msg begins with (MS-CFB §2.2)."""
_UNPARSEABLE = "unparseable message"


class _Envelope(NamedTuple):
    """What the fields of a mail's head say of it."""

    block: Block
    source: str
    id: str
    author: Mailbox
    to: list[Mailbox]
    cc: list[Mailbox]
    subject: str | None


def normalize_mail(record: RawMessage, payload: bytes) -> Sequence[Understood | Ignored]:
    """The one message of a mail.

    A mail beyond the limits, or in which our own code fails, becomes a message that says so, with the warning
    `limit:<which>` or `unparseable`. Raises Invalid when not even its head can be read.
    """
    return [_understand(record, payload, None)]


def _explain(record: RawMessage, payload: bytes) -> Sequence[Decision]:
    decisions: list[Decision] = []
    _understand(record, payload, decisions)
    return decisions


def _understand(record: RawMessage, payload: bytes, decisions: Decisions) -> Understood:
    warnings: list[str] = []
    if payload.startswith(_COMPOUND_FILE):
        raise Invalid("not a mail as it is sent but a file of Microsoft Office, probably an Outlook .msg")
    try:
        payload = with_line_feeds(payload)
        start = skip_front(payload)
        envelope = _read_envelope(record, payload, start, warnings, decisions)
    except Exception as error:
        raise Invalid(f"the head of the mail cannot be read: {type(error).__name__}") from error
    try:
        _check(payload, envelope.block)
        understood = _read_whole(record, payload, envelope, warnings, decisions)
    except LimitExceeded as limit:
        warnings.append(f"limit:{limit.which}")
        understood = _unparseable(record, envelope, warnings, decisions, f"it exceeds a limit ({limit.which})")
    except Exception:  # noqa: BLE001 - whatever is wrong with us, the customer gets a ticket
        warnings.append("unparseable")
        understood = _unparseable(record, envelope, warnings, decisions, "it could not be read")
    if decisions is not None:
        decisions += [Decision("warnings", warning, "see docs/warnings.md") for warning in understood.message.warnings]
    return Understood(understood.message, understood.blobs, partial(_explain, record, payload))


def _check(payload: bytes, block: Block) -> None:
    if len(payload) > MAIL_BYTES:
        raise LimitExceeded("bytes")
    if block.limit:
        raise LimitExceeded(block.limit)


def _read_envelope(
    record: RawMessage, payload: bytes, start: int, warnings: list[str], decisions: Decisions
) -> _Envelope:
    block = read_headers(payload, start, len(payload))
    headers = block.headers
    if not payload[start : block.body].isascii():
        headers.charset_hint = charset_of_mail(payload, start)
    body = memoryview(payload)[block.body :]
    source, given = source_id(headers, body)
    if not given:
        warnings.append("message_id:missing")
    if decisions is not None:
        decisions.append(Decision("source_id", source, "field:message-id" if given else "a digest of what was written"))
    return _Envelope(
        block,
        source,
        message_id(record.channel, record.account, source, body),
        author_of(headers, record.envelope_from, warnings, decisions),
        parse_addresses(headers.joined(b"to")),
        parse_addresses(headers.joined(b"cc")),
        one_line(headers.text(b"subject")) if b"subject" in headers else None,
    )


def _read_whole(
    record: RawMessage, payload: bytes, envelope: _Envelope, warnings: list[str], decisions: Decisions
) -> Understood:
    headers = envelope.block.headers
    payload = unwrapped(payload, headers, envelope.block.body)
    if ":left-at-source" in record.headers:
        warnings.append("size:left_at_source")
    root = read_structure(payload, headers, envelope.block.body, len(payload), warnings)
    bodies = choose_bodies(root)
    packed = take_packed(payload, bodies, warnings)
    written = (
        with_packed(read_bodies(payload, bodies, warnings), packed)
        if packed
        else read_bodies(payload, bodies, warnings)
    )
    if decisions is not None:
        decisions.append(Decision("text", f"{len(written.text)} characters", where_text_is(bodies, packed)))
    blobs: dict[str, bytes] = {}
    attachments = read_attachments(payload, bodies.attached, [*written.files, *files_of(packed)], warnings, blobs)
    reply = _reply(written, decisions)
    own = _is_own(envelope.author.address, record.own_addresses)
    letter = Letter(
        payload, headers, root, envelope.author.address, own, envelope.subject or "", written.text,
        is_null_sender(headers, record.envelope_from), envelope.author.name or "",
    )  # fmt: skip
    automation = recognise(letter, decisions)
    sent_at = parse_date(headers.undecoded(b"date"))
    if sent_at is None:
        warnings.append("date:invalid" if b"date" in headers else "date:missing")
    message = _message(
        record,
        envelope,
        warnings,
        decisions,
        text=_inline(written.text, blobs),
        reply_text=_inline(reply, blobs),
        html=_inline(written.html, blobs) if written.html is not None else None,
        language=detect_language(reply, decisions),
        sent_at=sent_at,
        attachments=attachments,
        automation=automation,
        forwarded=find_forwarded(payload, root, envelope.subject or "", written.text),
    )
    return Understood(message, blobs)


def _reply(written: Written, decisions: Decisions) -> str:
    if written.fresh is not None:
        fresh = reply_text(written.fresh, decisions)
        if fresh.strip():
            return fresh
    return reply_text(written.text, decisions)


def _message(
    record: RawMessage,
    envelope: _Envelope,
    warnings: list[str],
    decisions: Decisions,
    *,
    text: str | BlobRef,
    reply_text: str | BlobRef,
    sent_at: datetime | None,
    html: str | BlobRef | None = None,
    language: str | None = None,
    attachments: Sequence[Attachment] = (),
    automation: Automation = HUMAN,
    forwarded: Forwarded | None = None,
) -> NormalizedMessage:
    headers = envelope.block.headers
    trusted = read_authentication(headers, record.authserv_id, decisions)
    return NormalizedMessage.trusted(
        {
            "message_id": envelope.id,
            "normalizer": NORMALIZER,
            "channel": record.channel,
            "account": record.account,
            "source_id": envelope.source,
            "author": Author(
                kind="email",
                address=envelope.author.address,
                name=envelope.author.name,
                verified=trusted is not None
                and trusted.vouches_for(envelope.author.address, alone=len(headers.raw_all(b"from")) == 1),
            ),
            "to": _addresses(envelope.to),
            "cc": _addresses(envelope.cc),
            "reply_to": _addresses(parse_addresses(headers.joined(b"reply-to"))),
            "subject": envelope.subject,
            "text": text,
            "reply_text": reply_text,
            "html": html,
            "language": language,
            "declared_language": declared_language(headers),
            "origin": network_of(record.remote),
            "loop": loop_of(headers),
            "forwarded": forwarded,
            "sent_at": sent_at,
            "received_at": record.received_at,
            "refs": collect_refs(
                headers,
                envelope.subject,
                addressed_to(headers, envelope.to, envelope.cc, record.envelope_to),
                record.own_addresses,
            ),
            "attachments": list(attachments),
            "automation": automation,
            "authentication": trusted.verdicts if trusted is not None else None,
            "warnings": list(dict.fromkeys(warnings)),
        }
    )


def _unparseable(
    record: RawMessage, envelope: _Envelope, warnings: list[str], decisions: Decisions, why: str
) -> Understood:
    explanation = f"{_UNPARSEABLE}: {why}. The original is kept."
    sent_at = parse_date(envelope.block.headers.undecoded(b"date"))
    return Understood(
        _message(record, envelope, warnings, decisions, text=explanation, reply_text=explanation, sent_at=sent_at), {}
    )


def _addresses(boxes: Sequence[Mailbox]) -> list[Address]:
    return [Address(address=box.address, name=box.name) for box in boxes if box.address]


def _is_own(address: str, own_addresses: Sequence[str]) -> bool:
    """Whether the author is this desk, plus-forms included."""
    local, _, domain = address.lower().rpartition("@")
    plain = f"{local.partition('+')[0]}@{domain}"
    return any(plain == canonical(own).lower() for own in own_addresses)


def _inline(text: str, blobs: dict[str, bytes]) -> str | BlobRef:
    """`text` itself, or where it will lie when it is too long for a topic."""
    if len(text) * 4 <= INLINE_TEXT_BYTES:
        return text
    octets = text.encode()
    if len(octets) <= INLINE_TEXT_BYTES:
        return text
    name = blob_name(hashlib.sha256(octets).hexdigest())
    blobs[name] = octets
    return BlobRef(blob=name, size=len(octets))
