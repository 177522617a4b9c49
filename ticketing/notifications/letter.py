"""One mail to an agent about all that waits for him. Pure."""

import hashlib
import string
import tomllib
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from importlib import resources

from bus.reply import Recipient, Reply
from bus.settings import DeskSettings
from ticketing.notifications.answers import message_id
from ticketing.notifications.store import Notice
from ticketing.tokens import ReplyTokens
from ticketing.wording import LANGUAGES, choose

_LONGEST_SUBJECT = 100


@dataclass(frozen=True, slots=True)
class Words:
    """One language: of the subject, and of each kind of notice."""

    subject: string.Template
    subject_one: string.Template
    kinds: Mapping[str, str]
    end: str


@cache
def all_words() -> Mapping[str, Words]:
    """Every language there is."""
    folder = resources.files("ticketing.notifications.words")
    return {language: _words(folder.joinpath(f"{language}.toml").read_text("utf-8")) for language in LANGUAGES}


def _words(text: str) -> Words:
    said = tomllib.loads(text)
    one, several, end = (said.pop(name) for name in ("subject_one", "subject", "end"))
    return Words(string.Template(several), string.Template(one), said, end)


def letter(notices: Sequence[Notice], desk: DeskSettings, tokens: ReplyTokens, via: str, now: datetime) -> Reply:
    """The mail; all notices are of one agent, who has an address. `via`: the connector that sends it.

    Its Message-ID is in no ticket and it carries no token: what is answered to it joins nothing, and the agent's own
    answer is known by it (answers.py). It says that a machine wrote it (RFC 3834) and has no sender to bounce to, so
    machines answer it, if at all, with what the desk knows for machines' mail.
    """
    notices = sorted(notices, key=lambda notice: (notice.number, notice.at, notice.id))
    first = notices[0]
    words = all_words()[choose((first.language, desk.language), all_words(), "en")]
    by_ticket: dict[int, list[Notice]] = defaultdict(list)
    for notice in notices:
        by_ticket[notice.number].append(notice)
    paragraphs = [_paragraph(words, of) for of in by_ticket.values()]
    if len(by_ticket) == 1:
        subject = words.subject_one.substitute(number=first.number, what=words.kinds[notices[-1].kind])
    else:
        subject = words.subject.substitute(count=len(by_ticket))
    id_ = hashlib.sha256(f"notification\0{first.agent_id}\0{first.id}".encode()).hexdigest()[:32]
    return Reply(
        reply_id=id_,
        ticket_id=first.ticket_id,
        number=first.number,
        channel="email",
        account=via,
        purpose="notification",
        created_at=now,
        recipient=Recipient(kind="email", address=first.email or "", name=_one_line(first.name) or None),
        from_name=desk.name,
        subject=subject,
        text="\n".join(paragraphs) + f"\n{words.end}\n",
        message_id=f"{message_id(tokens, id_, first.email or '')}@{desk.domain}",
        automatic=True,
    )


def _paragraph(words: Words, notices: Sequence[Notice]) -> str:
    """What is to be told of one ticket."""
    head = f"#{notices[0].number} {_one_line(notices[0].subject)}\n"
    return head + "".join(f"  {words.kinds[n.kind]} ({n.at:%Y-%m-%d %H:%M} UTC)\n" for n in notices)


def _one_line(text: str | None) -> str:
    kept = " ".join("".join(c if c.isprintable() else " " for c in text or "").split())
    return kept if len(kept) <= _LONGEST_SUBJECT else kept[: _LONGEST_SUBJECT - 1] + "…"
