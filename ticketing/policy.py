"""The rules of threading as this desk has set them: values, from `[threading]` and `[desk]`."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Literal

from bus.settings import DeskSettings, ThreadingSettings

AfterWindow = Literal["new_ticket", "reopen"]


@dataclass(frozen=True, slots=True)
class Reopening:
    """What a person's message does to a closed ticket: within `window` it reopens it, later `after` says."""

    window: timedelta = timedelta(days=30)
    after: AfterWindow = "new_ticket"


@dataclass(frozen=True, slots=True)
class Policy:
    """`gap`: messages received further apart are joined by a token or a provider's conversation alone.

    `departments`: connector → department; a connector that is not named is of the department "". `agents`: mail
    addresses of agents (or `@domain`), lower case. `reopening_of`: by connector, where it differs from `reopening`.
    `unseen`: the edit of a message that was never seen counts as its creation when it was written no longer ago.
    """

    strict: bool = False
    max_references: int = 100
    gap: timedelta = timedelta(days=365)
    unseen: timedelta = timedelta(days=7)
    reopening: Reopening = Reopening()
    reopening_of: Mapping[str, Reopening] = field(default_factory=dict)
    departments: Mapping[str, str] = field(default_factory=dict)
    agents: frozenset[str] = frozenset()

    def department(self, account: str) -> str:
        """Whose connector this is; nothing joins across departments."""
        return self.departments.get(account, "")

    def reopens(self, account: str) -> Reopening:
        """How tickets that came by this connector are reopened."""
        return self.reopening_of.get(account, self.reopening)


def policy_of(threading: ThreadingSettings, desk: DeskSettings) -> Policy:
    """The settings as rules."""
    special = {
        name: Reopening(
            timedelta(days=threading.reopen_days if own.reopen_days is None else own.reopen_days),
            own.after_window or threading.after_window,
        )
        for name, own in threading.connectors.items()
    }
    return Policy(
        strict=threading.policy == "strict",
        max_references=threading.max_references,
        gap=timedelta(days=threading.gap_days),
        unseen=timedelta(days=threading.unseen_days),
        reopening=Reopening(timedelta(days=threading.reopen_days), threading.after_window),
        reopening_of=special,
        departments={name: own.department for name, own in threading.connectors.items()},
        agents=frozenset(address.lower() for address in desk.agents),
    )
