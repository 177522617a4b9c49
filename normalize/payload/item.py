"""An item of a provider → the message it is. The one place where messages of webhooks are built."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal

from bus.message import (
    Address,
    Attachment,
    Author,
    AuthorKind,
    Automation,
    Call,
    Chosen,
    Identity,
    NormalizedMessage,
    Ref,
)
from bus.raw import RawMessage
from normalize.declared_language import language_tag
from normalize.identity import message_id
from normalize.language import detect_language
from normalize.legible import legible, one_line
from normalize.origin import network_of
from normalize.outcome import Decision, Understood
from normalize.payload.media import Remote, attachments_of
from normalize.payload.revision import CREATED

HUMAN = Automation()
_LONGEST_ADDRESS = 500
_LONGEST_URL = 2_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Item:
    """What a normalizer found. `thread`: the provider's conversation. `reply`: what is new in `text`, if not all.
    `ours`: `text` is our own wording, whose language says nothing about the author.
    `author`: empty when the provider withholds it; the message then has an author of its own, who is nobody else.
    `also`: what else the channel knows of the author. `declared_language`: a BCP 47 tag, or anything else for none.
    `direct`: the request came from the author's own machine, not by way of a provider; `session`: where from, if its
    network says nothing.

    `because`: what in the payload it was recognised by, for `--explain`.
    """

    source_id: str
    author_kind: AuthorKind
    author: str
    author_name: str = ""
    verified: bool = True
    text: str = ""
    reply: str = ""
    ours: bool = False
    html: str | None = None
    subject: str = ""
    sent_at: datetime | None = None
    public: bool = False
    thread: str = ""
    also: Sequence[Identity] = ()
    declared_language: str = ""
    direct: bool = False
    session: str = ""
    in_reply_to: Sequence[str] = ()
    references: Sequence[str] = ()
    reply_to: Sequence[Address] = ()
    url: str = ""
    media: Sequence[Remote] = ()
    attachments: Sequence[Attachment] = ()
    blobs: Mapping[str, bytes] = field(default_factory=dict)
    revision: int = CREATED
    change: Literal["created", "edited", "removed"] = "created"
    automation: Automation = HUMAN
    feedback_only: bool = False
    call: Call | None = None
    fields: Mapping[str, str] | None = None
    chosen: Chosen | None = None
    warnings: Sequence[str] = ()
    because: str = ""


def understood(record: RawMessage, normalizer: str, item: Item) -> Understood:
    """The message of an item: ids are deterministic, every text can be stored."""
    text, reply = _lines(item.text), _lines(item.reply)
    if not reply.strip():
        reply = text
    warnings = list(item.warnings)
    attachments = [*item.attachments, *attachments_of(list(item.media), record.files, warnings)]
    source = one_line(item.source_id)
    author = one_line(item.author)[:_LONGEST_ADDRESS]
    message = NormalizedMessage.trusted(
        {
            "message_id": message_id(record.channel, record.account, source, b""),
            "revision": item.revision,
            "change": item.change,
            "normalizer": normalizer,
            "channel": record.channel,
            "account": record.account,
            "source_id": source,
            "source_url": one_line(item.url)[:_LONGEST_URL] or None,
            "author": Author(
                kind=item.author_kind,
                address=author or f"anonymous:{source}",
                name=one_line(item.author_name) or None,
                verified=item.verified and bool(author),
                also=_also(item),
            ),
            "origin": (network_of(record.remote) or item.session or None) if item.direct else None,
            "declared_language": language_tag(item.declared_language),
            "to": [],
            "cc": [],
            "reply_to": list(item.reply_to),
            "subject": one_line(item.subject) or None,
            "text": text,
            "reply_text": reply,
            "html": legible(item.html) if item.html is not None else None,
            "language": detect_language(_lines(item.reply) if item.ours else reply),
            "sent_at": item.sent_at,
            "received_at": record.received_at,
            "visibility": "public" if item.public else "private",
            "refs": _refs(item),
            "attachments": attachments,
            "automation": item.automation,
            "feedback_only": item.feedback_only,
            "call": item.call,
            "fields": dict(item.fields) if item.fields else None,
            "chosen": item.chosen,
            "warnings": list(dict.fromkeys(warnings)),
        }
    )
    return Understood(message, item.blobs, lambda: _explained(item, message))


def _also(item: Item) -> list[Identity]:
    """What is known besides; the mail address that came with a message of another kind: typed, so nobody vouches."""
    typed = item.reply_to if item.author_kind != "email" else ()
    return [*item.also, *(Identity(kind="email", address=each.address) for each in typed)]


def _lines(text: str) -> str:
    return legible(text).replace("\r\n", "\n").replace("\r", "\n")


def _refs(item: Item) -> list[Ref]:
    own = one_line(item.source_id)
    found: dict[tuple[str, str], Ref] = {}

    def add(kind: Literal["in_reply_to", "references", "provider_thread"], value: str) -> None:
        value = one_line(value)
        if value and (value != own or kind == "provider_thread"):
            found.setdefault((kind, value), Ref(kind=kind, value=value))

    for each in item.in_reply_to:
        add("in_reply_to", each)
    for each in item.references:
        add("references", each)
    add("provider_thread", item.thread)
    return list(found.values())


def _explained(item: Item, message: NormalizedMessage) -> Sequence[Decision]:
    return [
        Decision("message", item.change, item.because or "the payload's form"),
        Decision("revision", str(item.revision), "the event's kind and time"),
        Decision("author", message.author.address, f"{message.author.kind}, verified: {message.author.verified}"),
        *(Decision("ref", f"{ref.kind} {ref.value}", "the provider's id") for ref in message.refs),
        Decision("automation", item.automation.kind, item.automation.reason or "no rule hit"),
    ]
