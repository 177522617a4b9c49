"""Whether a new ticket is confirmed to the customer, and how (threading §5). Pure."""

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final, Literal

from bus.errors import ConfigError
from bus.message import Author, AutomationKind, Channel
from bus.reply import Recipient, Reply
from bus.settings import ConfirmationSettings, DeskSettings
from ticketing.channels import ON_ITS_OWN
from ticketing.identities import mailbox_of
from ticketing.tokens import ReplyTokens, for_body
from ticketing.wording import Wording, choose, wordings_from

PURPOSE: Final = "confirmation"

_MESSAGE_ID = re.compile(r"[!-;=?-~]{1,250}@[!-;=?-~]{1,250}")
_MACHINE = re.compile(
    r"(?:mailer-?daemon|postmaster|double-?bounce|bounces?(?:[-+_=].*)?|(?:do[-_.]?)?not?[-_.]?reply.*|nobody)",
    re.IGNORECASE,
).fullmatch
_MAILABLE = re.compile(r"[^\x00-\x20\x7f<>()\[\],;:\\\"]+@[^\x00-\x20\x7f<>()\[\],;:\\\"@]+")


@dataclass(frozen=True, slots=True)
class Opening:
    """A ticket that a message has opened.

    `language` (detected), `declared`, `source_id`, `automation`, `account`, `subject`, `words`, `chain`, `origin`,
    `received_at`, `conversation` (the provider's), `visibility`: of that message.
    `earlier`: the language of the author's earlier conversation. `known`: for longer
    than a day.
    """

    ticket_id: str
    number: int
    channel: Channel
    account: str
    author: Author
    language: str | None
    source_id: str
    automation: AutomationKind
    now: datetime
    received_at: datetime
    declared: str | None = None
    earlier: str | None = None
    known: bool = False
    subject: str | None = None
    words: str | None = None
    chain: str | None = None
    origin: str | None = None
    conversation: str | None = None
    visibility: Literal["public", "private"] = "private"


@dataclass(frozen=True, slots=True)
class Way:
    """Channel and connector by which the author can be written to, the identity to write to, and who may read it."""

    channel: Channel
    account: str
    kind: str
    address: str
    public: bool = False


@dataclass(frozen=True, slots=True)
class Suppressed:
    """Nothing is sent, and why: `off` `machine` `no_way` `public`, or what a brake says."""

    reason: str


@dataclass(frozen=True, slots=True)
class Confirming:
    """What does not change from ticket to ticket. `own`: our addresses. Raises ConfigError for words we do not have."""

    desk: DeskSettings
    tokens: ReplyTokens
    settings: ConfirmationSettings = field(default_factory=ConfirmationSettings)
    own: frozenset[str] = frozenset()
    wordings: Mapping[str, Wording] = field(init=False)

    def __post_init__(self) -> None:
        words = wordings_from(self.settings.templates)
        if self.desk.language not in words:
            there = ", ".join(sorted(words))
            raise ConfigError(f"[desk] language: no words in {self.desk.language}; there are {there}")
        object.__setattr__(self, "wordings", words)
        aliases = {mailbox_of("email", address.strip()) for address in (*self.own, *self.settings.own_addresses)}
        object.__setattr__(self, "own", frozenset(aliases))

    def confirm(self, opening: Opening) -> Reply | Suppressed:
        """The confirmation, or the one reason why there can be none. What holds it back are the brakes."""
        if not self.desk.confirm:
            return Suppressed("off")
        if opening.automation != "human":
            return Suppressed("machine")
        way = _way(opening, self.desk)
        if isinstance(way, Suppressed):
            return way
        if way.kind == "email" and self._not_a_customers(way.address):
            return Suppressed("machine")
        language = choose(
            (opening.declared, opening.earlier, opening.language), self.wordings.keys(), self.desk.language
        )
        name = self._name(opening, way)
        token = None if way.public else self.tokens.sign(opening.ticket_id, way.address)
        subject, text, html = self.wordings[language].render(opening.number, self.desk.name, name)
        mail = way.channel == "email"
        if token and not mail and not opening.conversation:
            text += f"\n{for_body(token)}\n"  # neither an address nor an id of ours comes back on such a channel
        answers = opening.source_id if not mail or _MESSAGE_ID.fullmatch(opening.source_id) else None
        if mail and opening.channel != "email":
            answers = None  # what a form or a telephone system calls it is no mail's id
        local = self.tokens.message_id(opening.ticket_id, PURPOSE, "")
        return Reply(
            reply_id=reply_id(opening.ticket_id, PURPOSE, ""),
            ticket_id=opening.ticket_id,
            number=opening.number,
            channel=way.channel,
            account=way.account,
            purpose=PURPOSE,
            created_at=opening.now,
            recipient=Recipient(kind=way.kind, address=way.address, name=name),
            from_name=self.desk.name,
            reply_token=token,
            subject=subject,
            text=text,
            html=html if mail else None,
            language=language,
            message_id=f"{local}@{self.desk.domain}" if mail else None,
            in_reply_to=answers,
            references=[answers] if answers and mail else [],
            provider_thread=None if mail else opening.conversation,
            visibility="public" if way.public else "private",
            automatic=True,
            loop=f"{local} 1" if mail else None,
        )

    def _name(self, opening: Opening, way: Way) -> str | None:
        """The author's, where it may be repeated: a forged sender must not make us mail words of its choosing to
        somebody else, its own name included; and what everybody reads names nobody."""
        author = opening.author
        if way.public or not author.verified or (way.kind, way.address) != (author.kind, author.address):
            return None
        return _one_line(author.name)

    def _not_a_customers(self, address: str) -> bool:
        """Whether it is ours, or a machine's whose mail came by a way on which that does not show (a form)."""
        return mailbox_of("email", address) in self.own or _MACHINE(address.partition("@")[0]) is not None


def reply_id(ticket_id: str, purpose: str, cause: str) -> str:
    """The id of what is sent to a customer: the same for the same three, so that nothing is written twice."""
    return hashlib.sha256(f"{ticket_id}\0{purpose}\0{cause}".encode()).hexdigest()[:32]


def _way(opening: Opening, desk: DeskSettings) -> Way | Suppressed:
    """Where the channel allows it the way the message came; for the others, and for public posts unless they are
    configured, by mail, if there is an address and a connector that writes for that channel."""
    author, channel = opening.author, opening.channel
    known = bool(author.address) and not author.address.startswith("anonymous:")
    public = opening.visibility == "public" and channel != "email"
    unasked = public and channel not in desk.confirm_publicly
    if known and not unasked and author.kind in ON_ITS_OWN.get(channel, ()):
        return Way(channel, opening.account, author.kind, author.address, public)
    account = opening.account if channel == "email" else desk.reply_via.get(channel)
    identities: list[tuple[str, str]] = [(author.kind, author.address)]
    identities += [(other.kind, other.address) for other in author.also]
    addresses = [address for kind, address in identities if kind == "email"]
    address = next(filter(_MAILABLE.fullmatch, addresses), None)
    if account and address:
        return Way("email", account, "email", address)
    return Suppressed("public" if unasked else "no_way")


def _one_line(name: str | None) -> str | None:
    kept = " ".join("".join(c if c.isprintable() else " " for c in name or "").split())[:80]
    return kept or None
