"""How a connector stands with its source: what only its own parts know, for operators to see."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time
from typing import Literal

from bus.connector import Quota
from bus.errors import Retryable

Part = Literal["receive", "send"]


def _now() -> datetime:
    return datetime.now(UTC)


@dataclass(slots=True)
class SourceState:
    """Kept by the connector's parts, read by whoever publishes its status. A part that does not know says nothing.

    `problems`: what went wrong last, of each part, until it succeeds. `lag`: items that the source has and we have not
    taken. `credential_expires_at`: of what does not renew itself. `polls`: whether this process polls, None for a
    connector that does not poll.
    """

    clock: Callable[[], datetime] = _now
    last_success_at: datetime | None = None
    problems: dict[Part, Retryable] = field(default_factory=dict)
    lag: int | None = None
    quotas: dict[str, Quota] = field(default_factory=dict)
    credential_expires_at: datetime | None = None
    polls: bool | None = None

    def succeeded(self, part: Part = "receive") -> None:
        """The other side answered as it should."""
        self.last_success_at = self.clock()
        self.problems.pop(part, None)

    def failed(self, error: Retryable, part: Part = "receive") -> None:
        """It did not. The error's text is shown to operators: one line, no secret."""
        self.problems[part] = error

    def expires(self, on: date) -> None:
        """A credential needs renewing on this day; of several the first one counts."""
        at = datetime.combine(on, time(), UTC)
        known = self.credential_expires_at
        self.credential_expires_at = at if known is None else min(known, at)

    def uses(self, quota: Quota) -> None:
        """So much of a quota is used."""
        self.quotas[quota.name] = quota
