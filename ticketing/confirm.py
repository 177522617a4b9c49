"""Whether a new ticket is confirmed to the customer, and how (threading §5). Pure."""

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from bus.errors import ConfigError
from bus.message import Author, AutomationKind, Channel
from bus.reply import Recipient, Reply
from bus.settings import ConfirmationSettings, DeskSettings
from ticketing.channels import ON_ITS_OWN
from ticketing.identities import mailbox_of
from ticketing.tokens import ReplyTokens
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
    `received_at`: of that message. `earlier`: the language of the author's earlier conversation. `known`: for longer
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


@dataclass(frozen=True, slots=True)
class Suppressed:
    """Nothing is sent, and why: `off` `machine` `no_way`, or what a brake says."""

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
        if way is None:
            return Suppressed("no_way")
        channel, account, kind, address = way
        if kind == "email" and self._not_a_customers(address):
            return Suppressed("machine")
        # a forged sender must not make us mail words of its choosing to somebody else, its own name included
        name = _one_line(opening.author.name) if opening.author.verified and kind == opening.author.kind else None
        language = choose(
            (opening.declared, opening.earlier, opening.language), self.wordings.keys(), self.desk.language
        )
        subject, text, html = self.wordings[language].render(opening.number, self.desk.name, name)
        mail = channel == "email"
        answers = opening.source_id if mail and _MESSAGE_ID.fullmatch(opening.source_id) else None
        local = self.tokens.message_id(opening.ticket_id, PURPOSE, "")
        return Reply(
            reply_id=reply_id(opening.ticket_id, PURPOSE, ""),
            ticket_id=opening.ticket_id,
            number=opening.number,
            channel=channel,
            account=account,
            purpose=PURPOSE,
            created_at=opening.now,
            recipient=Recipient(kind=kind, address=address, name=name),
            from_name=self.desk.name,
            reply_token=self.tokens.sign(opening.ticket_id, address),
            subject=subject,
            text=text,
            html=html if mail else None,
            language=language,
            message_id=f"{local}@{self.desk.domain}" if mail else None,
            in_reply_to=answers,
            references=[answers] if answers else [],
            automatic=True,
            loop=f"{local} 1" if mail else None,
        )

    def _not_a_customers(self, address: str) -> bool:
        """Whether it is ours, or a machine's whose mail came by a way on which that does not show (a form)."""
        return mailbox_of("email", address) in self.own or _MACHINE(address.partition("@")[0]) is not None


def reply_id(ticket_id: str, purpose: str, cause: str) -> str:
    """The id of what is sent to a customer: the same for the same three, so that nothing is written twice."""
    return hashlib.sha256(f"{ticket_id}\0{purpose}\0{cause}".encode()).hexdigest()[:32]


def _way(opening: Opening, desk: DeskSettings) -> tuple[Channel, str, str, str] | None:
    """Channel and connector by which the author can be written to, and the identity to write to."""
    author = opening.author
    if author.address and ON_ITS_OWN.get(opening.channel) == author.kind:
        return opening.channel, opening.account, author.kind, author.address
    account = opening.account if opening.channel == "email" else desk.reply_via.get(opening.channel)
    if not account:
        return None
    identities: list[tuple[str, str]] = [(author.kind, author.address)]
    identities += [(other.kind, other.address) for other in author.also]
    addresses = [address for kind, address in identities if kind == "email"]
    address = next(filter(_MAILABLE.fullmatch, addresses), None)
    return ("email", account, "email", address) if address else None


def _one_line(name: str | None) -> str | None:
    kept = " ".join("".join(c if c.isprintable() else " " for c in name or "").split())[:80]
    return kept or None
