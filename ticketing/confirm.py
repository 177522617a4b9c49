"""Whether a new ticket is confirmed to the customer, and how (threading §5). Pure."""

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from bus.message import Author, AutomationKind, Channel
from bus.reply import Recipient, Reply
from bus.settings import DeskSettings
from ticketing.forwarding import Agents
from ticketing.tokens import ReplyTokens
from ticketing.wording import Wording, choose, wordings

PURPOSE: Final = "confirmation"

_ON_ITS_OWN_CHANNEL: Mapping[Channel, str] = {"chat": "chat", "forum": "forum", "x": "x", "facebook": "facebook"}
_MESSAGE_ID = re.compile(r"[!-;=?-~]{1,250}@[!-;=?-~]{1,250}")
_MAILABLE = re.compile(r"[^\x00-\x20\x7f<>()\[\],;:\\\"]+@[^\x00-\x20\x7f<>()\[\],;:\\\"@]+")


@dataclass(frozen=True, slots=True)
class Opening:
    """A ticket that a message has opened.

    `language`, `source_id`, `automation`, `account`: of that message. `sent_last_day`: confirmations already written
    to the author's address in the last 24 hours, over all channels.
    """

    ticket_id: str
    number: int
    channel: Channel
    account: str
    author: Author
    language: str | None
    source_id: str
    automation: AutomationKind
    sent_last_day: int
    now: datetime


@dataclass(frozen=True, slots=True)
class Suppressed:
    """Nothing is sent, and why: `off` `machine` `no_way` `capped`."""

    reason: str


@dataclass(frozen=True, slots=True)
class Confirming:
    """What does not change from ticket to ticket."""

    desk: DeskSettings
    tokens: ReplyTokens
    wordings: Mapping[str, Wording] = field(default_factory=wordings)
    agents: Agents = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "agents", Agents.of(self.desk.agents))

    def confirm(self, opening: Opening) -> Reply | Suppressed:
        """The confirmation, or the one reason why there is none."""
        if not self.desk.confirm:
            return Suppressed("off")
        if opening.automation != "human":
            return Suppressed("machine")
        way = _way(opening, self.desk)
        if way is None:
            return Suppressed("no_way")
        if opening.sent_last_day >= self.desk.confirmations_per_day:
            return Suppressed("capped")
        channel, account = way
        author = opening.author
        # a forged sender must not make us mail words of its choosing to somebody else, its own name included
        name = _one_line(author.name) if author.verified else None
        language = choose(opening.language, self.desk.language)
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
            recipient=Recipient(kind=author.kind, address=author.address, name=name),
            from_name=self.desk.name,
            reply_token=self.tokens.sign(opening.ticket_id, author.address),
            subject=subject,
            text=text,
            html=html if mail else None,
            language=language,
            message_id=f"{local}@{self.desk.domain}" if mail else None,
            in_reply_to=answers,
            references=[answers] if answers else [],
            automatic=True,
        )


def reply_id(ticket_id: str, purpose: str, cause: str) -> str:
    """The id of what is sent to a customer: the same for the same three, so that nothing is written twice."""
    return hashlib.sha256(f"{ticket_id}\0{purpose}\0{cause}".encode()).hexdigest()[:32]


def _way(opening: Opening, desk: DeskSettings) -> tuple[Channel, str] | None:
    """Channel and connector by which the author can be written to."""
    kind, address = opening.author.kind, opening.author.address
    if kind == "email":
        account = opening.account if opening.channel == "email" else desk.reply_via.get(opening.channel)
        return ("email", account) if account and _MAILABLE.fullmatch(address) else None
    if address and _ON_ITS_OWN_CHANNEL.get(opening.channel) == kind:
        return opening.channel, opening.account
    return None


def _one_line(name: str | None) -> str | None:
    kept = " ".join("".join(c if c.isprintable() else " " for c in name or "").split())[:80]
    return kept or None
