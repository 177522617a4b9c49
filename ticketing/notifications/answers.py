"""By what an agent's answer to a notification is known: the Message-ID of that, sealed for its recipient. Pure."""

import hashlib
from typing import Final

from bus.message import Author, Ref
from ticketing.identities import mailbox_of
from ticketing.tokens import ReplyTokens

_PREFIX: Final = "notice."
_HALF: Final = 8


def message_id(tokens: ReplyTokens, notification: str, recipient: str) -> str:
    """The part before the @ of a notification's Message-ID. `notification`: its id; `recipient`: a mail address."""
    return _PREFIX + tokens.seal("notice", _half(notification) + _half(mailbox_of("email", recipient)))


def answers_a_notification(author: Author, refs: list[Ref], tokens: ReplyTokens) -> bool:
    """Whether what is answered is a notification that its author was sent. Somebody else's answer to it, say a
    customer's to whom it was passed on, is a mail like any other."""
    if author.kind != "email":
        return False
    direct = [ref.value for ref in refs if ref.kind == "in_reply_to"]
    answered = direct or [ref.value for ref in refs if ref.kind == "references"][-1:]
    return any(_names(each, author.address, tokens) for each in answered)


def _names(mail: str, address: str, tokens: ReplyTokens) -> bool:
    local = mail.strip("<> \t\r\n").partition("@")[0]
    if not local.lower().startswith(_PREFIX):
        return False
    sealed = tokens.unseal("notice", local[len(_PREFIX) :], 2 * _HALF)
    return sealed is not None and sealed[_HALF:] == _half(mailbox_of("email", address))


def _half(text: str) -> bytes:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).digest()[:_HALF]
