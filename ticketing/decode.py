"""A record of `messages.*` → what filing needs of it. Runs before any lock is taken."""

import hashlib
from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime
from typing import Literal
from uuid import UUID

from pydantic import ValidationError

from bus.calls import waits_for_us
from bus.errors import Invalid
from bus.headers import traceparent_of
from bus.message import IgnoredMessage, Ref
from bus.record import Position, Received
from ticketing.contacts import person_of
from ticketing.forwarding import Agents, as_customers, customer_of
from ticketing.incoming import Aside, Ignorable, Incoming, Named, Signed
from ticketing.notifications.answers import answers_a_notification
from ticketing.policy import Policy
from ticketing.slim_message import SlimMessage, SlimRaw
from ticketing.tokens import ReplyTokens, in_body

STAFF = "author:staff"
"""The reason of what one of ours wrote at the provider (docs/adr/0012)."""
RATING = "chat:rating"
"""The reason of what a visitor says of a conversation, in the chat's window."""
_RATINGS: Mapping[str, Literal["good", "ok", "bad"]] = {"good": "good", "ok": "ok", "bad": "bad"}
_LONGEST_WORDS = 2_000
_MOST_NUMBERS = 5
_LONGEST_NUMBER = 16
_MOST_TOKENS = 10
"""Each costs a signature to check; a mail has one, or a few when it was passed around."""


def decode(record: Received, tokens: ReplyTokens, policy: Policy) -> Incoming | Ignorable:
    """What stands on the record. Raises Invalid for what is neither a message nor the note of an ignored one."""
    value = record.value
    if value is None:
        raise Invalid("a message without a value")
    # PostgreSQL's text cannot hold U+0000; the document itself keeps it, escaped as it came
    legible = value.replace(rb"\u0000", rb"\ufffd") if rb"\u0000" in value else value
    try:
        message = SlimMessage.model_validate_json(legible)
    except ValidationError as error:
        return _ignorable(legible, error)
    document = value.decode()
    answerable: str | None = message.source_id
    if (customer := customer_of(message.author, message.forwarded, Agents(policy.agents))) is not None:
        assert message.forwarded is not None
        document = as_customers(document, customer, message.author.address)
        answerable = message.forwarded.message_id
        message = SlimMessage.model_validate_json(document.replace(r"\u0000", "\ufffd"))
    received_at = message.received_at or datetime.fromtimestamp(record.timestamp / 1000, UTC)
    department = policy.department(message.account)
    named = tuple(_named(message, policy.max_references, department))
    answered = ((tokens.ticket_of_message_id(name.text), name) for name in named)
    signed, claimed = _tokens(message, tokens)
    raw, author = message.raw, message.author
    dmarc = message.authentication.dmarc if message.authentication else None
    # who was vouched for is the agent, not the customer whose mail was passed on
    authentic = author.verified and dmarc != "fail" and message.forwarded_by is None
    return Incoming(
        id=message.message_id,
        revision=message.revision,
        change=message.change,
        normalizer=message.normalizer,
        replayed=message.replayed,
        channel=message.channel,
        account=message.account,
        source_id=message.source_id,
        author=author,
        person=person_of(author.kind, author.address),
        addressed=frozenset(person_of("email", each.address) for each in (*message.to, *message.cc)),
        subject=message.subject,
        language=message.language,
        sent_at=message.sent_at,
        received_at=received_at,
        visibility=message.visibility,
        automation=message.automation.kind,
        dmarc=dmarc,
        attachments=len(message.attachments),
        raw=Position(raw.topic, raw.partition, raw.offset) if isinstance(raw, SlimRaw) else None,
        own=_name(message.channel, message.source_id, department),
        named=named,
        thread=_thread(message),
        signed=signed,
        claimed=claimed,
        answered=tuple((ticket, name) for ticket, name in answered if ticket is not None),
        numbers=tuple(_numbers(message)),
        authentic=authentic,
        by_agent=authentic and author.kind == "email" and author.address in Agents(policy.agents),
        fingerprint=_fingerprint(message) if message.channel == "email" else None,
        document=document,
        traceparent=traceparent_of(record.headers),
        declared=message.declared_language,
        origin=message.origin,
        answerable=answerable,
        chain=_chain(message, tokens),
        words=_words(message),
        failed=_failed(message),
        status=message.automation.bounce.status if message.automation.bounce else None,
        aside=_aside(message, received_at, policy, tokens),
        conversation=_conversation(message),
        is_call=message.call is not None,
        by_staff=message.automation.reason == STAFF,
        priority=message.chosen.priority if message.chosen else None,
        category=message.chosen.category if message.chosen else None,
        rating=_rating(message),
    )


def _aside(message: SlimMessage, received_at: datetime, policy: Policy, tokens: ReplyTokens) -> Aside | None:
    if message.call is not None:
        return None if waits_for_us(message.call) else "call"
    if message.change != "created":
        # what a provider shows us first may have been edited meanwhile; an edit of something old is no new matter
        sent = message.sent_at if message.change == "edited" else None
        if sent is None or sent < received_at - policy.unseen:
            return "creation"
    if message.automation.kind == "human" and answers_a_notification(message.author, message.refs, tokens):
        return "notification"
    return "feedback" if message.feedback_only else None


def _rating(message: SlimMessage) -> tuple[Literal["good", "ok", "bad"], str | None] | None:
    """What a visitor says of a conversation when it is over, and in which words."""
    said = (message.fields or {}).get("rating", "") if message.automation.reason == RATING else ""
    given = _RATINGS.get(said)
    if given is None or not isinstance(message.text, str):
        return None
    words = message.text.strip()[:_LONGEST_WORDS]
    return given, words if words and words != f"Rating: {given}" else None


def _chain(message: SlimMessage, tokens: ReplyTokens) -> str | None:
    """The ticket whose automatic mail this one carries the loop header of; a forged one counts as absent."""
    return tokens.ticket_of_message_id(message.loop.partition(" ")[0]) if message.loop else None


def _words(message: SlimMessage) -> str | None:
    """A digest of what it says; None when that lies in the blob store."""
    text = message.reply_text
    if not isinstance(text, str):
        return None
    said = f"{message.subject or ''}\0{text}"
    return hashlib.sha256(said.encode("utf-8", "surrogatepass")).hexdigest()[:32]


def _failed(message: SlimMessage) -> str | None:
    """The Message-ID of the mail that a bounce says has not arrived, and will not; of one without a report (RFC 3464)
    the mail that it answers."""
    bounce = message.automation.bounce
    if message.automation.kind != "bounce" or (bounce is not None and bounce.permanent is False):
        return None
    original = _bare(bounce.original_message_id or "") if bounce else ""
    return original or next(_values(message.refs, "in_reply_to"), "") or None


def _ignorable(value: bytes, error: ValidationError) -> Ignorable:
    try:
        ignored = IgnoredMessage.from_json(value)
    except ValidationError:
        first = error.errors(include_url=False, include_input=False, include_context=False)[0]
        raise Invalid(f"not a message.v1: {'.'.join(map(str, first['loc']))}: {first['msg']}") from None
    raw = ignored.raw
    return Ignorable(Position(raw.topic, raw.partition, raw.offset), ignored.reason.replace("\0", "\ufffd"))


def _named(message: SlimMessage, most: int, department: str) -> Iterator[Named]:
    """Every id it mentions, once, itself excepted; of more than `most` the first and the last ones."""
    own = _bare(message.source_id)
    texts: dict[str, Literal["in_reply_to", "references", "bounced"]] = {}
    for text in _values(message.refs, "in_reply_to"):
        texts.setdefault(text, "in_reply_to")
    for text in _values(message.refs, "references"):
        texts.setdefault(text, "references")
    bounce = message.automation.bounce
    if bounce and bounce.original_message_id:
        texts.setdefault(_bare(bounce.original_message_id), "bounced")
    kept = [text for text in texts if text and text != own]
    if len(kept) > most:
        kept = [*kept[: most // 2], *kept[len(kept) - (most - most // 2) :]]
    for text in kept:
        yield Named(_name(message.channel, text, department), texts[text], text)


def _values(refs: Iterable[Ref], kind: str) -> Iterator[str]:
    return (_bare(ref.value) for ref in refs if ref.kind == kind)


def _tokens(message: SlimMessage, tokens: ReplyTokens) -> tuple[tuple[Signed, ...], frozenset[str]]:
    """Tokens that were signed for the author, and the tickets that other tokens name."""
    found = dict.fromkeys(list(_values(message.refs, "reply_token"))[:_MOST_TOKENS])
    if isinstance(message.text, str):
        found |= dict.fromkeys(in_body(message.text, _MOST_TOKENS))
    signed, claimed = [], set()
    for token in found:
        reading = tokens.read(token, message.author.address)
        if reading is not None and reading.genuine:
            signed.append(Signed(reading.ticket, reading.generation, reading.old_key))
        elif reading is not None:
            claimed.add(reading.ticket)
    return tuple(signed), frozenset(claimed)


def _numbers(message: SlimMessage) -> Iterator[int]:
    said = list(dict.fromkeys(_values(message.refs, "ticket_number")))[:_MOST_NUMBERS]
    return (int(text) for text in said if text.isascii() and text.isdigit() and len(text) < _LONGEST_NUMBER)


def _fingerprint(message: SlimMessage) -> UUID:
    """What was written: author, time, subject, text and files, but not by which way it came."""
    text = message.text if isinstance(message.text, str) else message.text.blob
    sent = message.sent_at.isoformat() if message.sent_at else ""
    files = (each.sha256 for each in message.attachments)
    parts = (person_of(message.author.kind, message.author.address), sent, message.subject or "", text, *files)
    whole = hashlib.sha256("\0".join(parts).encode("utf-8", "surrogatepass"))
    return UUID(bytes=whole.digest()[:16])


def _conversation(message: SlimMessage) -> str | None:
    if message.channel == "email":
        return None  # whatever a mail says of its conversation, its sender wrote, not a provider
    return next(_values(message.refs, "provider_thread"), None) or None


def _thread(message: SlimMessage) -> UUID | None:
    value = _conversation(message)
    return _name(f"thread\0{message.channel}\0{message.account}", value) if value else None


def _name(space: str, text: str, department: str = "") -> UUID:
    """Ids are of any length and any bytes; sixteen of their digest are looked up faster and stay as distinct.

    Each department has names of its own: so nothing one of them knows joins anything to what another has.
    """
    space = f"{department}\0{space}" if department else space
    digest = hashlib.sha256(f"{space}\0{_bare(text)}".encode("utf-8", "surrogatepass")).digest()
    return UUID(bytes=digest[:16])


def _bare(text: str) -> str:
    return text.strip("<> \t\r\n")
