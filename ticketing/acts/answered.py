"""To whom, by which way and in answer to what an agent writes. Pure."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from bus.errors import Invalid
from bus.message import Channel
from ticketing.channels import ON_ITS_OWN, Visibility
from ticketing.suggestions import bare

MAILABLE: Final = re.compile(r"[^\x00-\x20\x7f<>()\[\],;:\\\"]+@[^\x00-\x20\x7f<>()\[\],;:\\\"@]+")
_MOST_REFERENCES = 20


@dataclass(frozen=True, slots=True)
class LastMessage:
    """The customer's latest message. `source_id`: None where the customer's program does not know it by that."""

    channel: Channel
    account: str
    kind: str
    address: str
    name: str | None
    visibility: Visibility
    source_id: str | None
    references: Sequence[str] = ()
    thread: str | None = None
    language: str | None = None


@dataclass(frozen=True, slots=True)
class Sender:
    """As whom an agent writes: of the department, unless the agent has something of his own."""

    from_address: str | None = None
    from_name: str | None = None
    reply_via: str | None = None
    signature: str | None = None
    language: str | None = None
    rating: str = "off"


@dataclass(frozen=True, slots=True)
class Correspondence:
    """What a reply has to know. `addresses`: the customer's mail addresses, the surest first; `participants`: those of
    whom agents have let in; `sent_as`: the Message-ID of the latest mail we sent in this ticket."""

    last: LastMessage | None
    addresses: Sequence[str]
    participants: Sequence[str]
    sender: Sender
    sent_as: str | None = None


@dataclass(frozen=True, slots=True)
class Way:
    """Where a reply goes, and what it answers there."""

    channel: Channel
    account: str
    kind: str
    address: str
    name: str | None
    visibility: Visibility
    in_reply_to: str | None
    references: Sequence[str]
    thread: str | None


def way(found: Correspondence, mail_account: str | None, *, public: bool, by: Channel | None = None) -> Way:
    """The way to the customer: where he wrote last, or by mail. `by`: the channel that the agent wants.

    Raises Invalid when there is none, or when everybody would read what the agent has not said may be read.
    """
    last = found.last
    at_home = last is not None and last.kind in ON_ITS_OWN.get(last.channel, ()) and by in (None, last.channel)
    if last is not None and at_home:
        if public and last.visibility == "private":
            raise Invalid("the customer wrote in private; a public answer would tell everybody")
        if not public and last.visibility == "public" and last.channel == "forum":
            raise Invalid("everybody reads an answer in the forum; say that it is public, or answer by mail")
        visibility: Visibility = "public" if public else "private"
        return Way(
            last.channel, last.account, last.kind, last.address, last.name, visibility, last.source_id, (), last.thread
        )
    if by not in (None, "email"):
        raise Invalid(f"the customer did not write by {by}; answer where he wrote, or by mail")
    if public:
        raise Invalid("a mail is not public")
    by_mail = last is not None and last.channel == "email"
    address = last.address if last is not None and last.kind == "email" else next(iter(found.addresses), None)
    if address is None or not MAILABLE.fullmatch(address):
        raise Invalid("there is no way to the customer: no mail address is known")
    account = found.sender.reply_via or mail_account
    if account is None:
        raise Invalid("no connector sends mail for this ticket; name one in `[desk] reply_via`")
    name = last.name if last is not None and last.kind == "email" else None
    answers = last.source_id if last is not None and by_mail and last.source_id else found.sent_as
    before = last.references if last is not None and by_mail else ()
    chain = [*before, answers] if answers else list(before)
    if len(chain) > _MOST_REFERENCES:
        chain = [chain[0], *chain[1 - _MOST_REFERENCES :]]  # RFC 5322 §3.6.4 wants the first kept
    return Way("email", account, "email", address, name, "private", answers, chain, None)


def reply_subject(subject: str | None, number: int) -> str:
    """`Re: …`, with the ticket's number, once."""
    words, mark = bare(subject), f"[#{number}]"
    return f"Re: {words if mark in words else f'{words} {mark}'.strip()}"
