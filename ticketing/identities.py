"""What an identity says about who somebody is: how strong an assertion of it is, and whether it is one person's. Pure.

| strength | said by |
|---|---|
| `provider` | the provider, which vouches for its own user id (X, Facebook, a forum) |
| `verified` | the channel: DMARC passed, a signed session, a number the network vouches for |
| `agent` | an agent, by hand |
| `claimed` | nobody but the person: a forged `From`, a typed address |
"""

from typing import Final, Literal

from bus.message import AuthorKind

Strength = Literal["provider", "verified", "agent", "claimed"]

PROVIDERS: Final[frozenset[str]] = frozenset({"x", "facebook", "forum"})
"""Kinds whose user id is one person's for ever: two different ones are two people until an agent says otherwise."""

_ROLES: Final = frozenset({
    # RFC 2142, and what offices call their shared mailboxes
    "abuse", "accounting", "accounts", "admin", "administration", "billing", "careers", "compta", "contact", "contato",
    "enquiries", "facturen", "finance", "help", "helpdesk", "hello", "hostmaster", "hr", "info", "inkoop", "invoices",
    "jobs", "mail", "marketing", "noc", "office", "orders", "post", "postmaster", "press", "privacy", "reception",
    "sales", "secretariat", "security", "service", "support", "team", "verkoop", "webmaster",
})  # fmt: skip
_DOTLESS: Final = frozenset({"gmail.com", "googlemail.com"})


def strength_of(kind: AuthorKind, *, verified: bool) -> Strength:
    """How strongly a channel asserts an identity of this kind."""
    if not verified:
        return "claimed"
    return "provider" if kind in PROVIDERS else "verified"


def is_role(kind: str, value: str) -> bool:
    """Whether an address is an office's rather than a person's: such ones identify nobody."""
    return kind == "email" and value.partition("@")[0].partition("+")[0].lower() in _ROLES


def mailbox_of(kind: str, value: str) -> str:
    """One text for all spellings of one mailbox (`ann+a@x`, Gmail's dots), to count what is sent to it by."""
    if kind != "email":
        return f"{kind}:{value}"
    local, at, domain = value.lower().rpartition("@")
    if not at:
        return value
    local = local.partition("+")[0] or local
    if domain in _DOTLESS:
        local, domain = local.replace(".", ""), "gmail.com"
    return f"{local}@{domain}"
