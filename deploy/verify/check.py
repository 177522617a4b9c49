"""The form of a check's result."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

MOST_EXAMPLES = 10


@dataclass(frozen=True, slots=True)
class Check:
    """One invariant: it holds when nothing was found against it. `count`: how many findings."""

    name: str
    count: int
    examples: list[str] = field(default_factory=list)

    @property
    def ok(self) -> bool:
        """Whether the invariant holds."""
        return self.count == 0

    def as_json(self) -> dict[str, Any]:
        """As `verify --json` prints it."""
        return {"name": self.name, "ok": self.ok, "count": self.count, "examples": self.examples}


def check(name: str, findings: Iterable[str]) -> Check:
    """A check from what was found against it."""
    found = list(findings)
    return Check(name, len(found), found[:MOST_EXAMPLES])


@dataclass(frozen=True, slots=True)
class Verdict:
    """All checks of one pass and what was counted on the way."""

    checks: list[Check]
    counts: dict[str, int]

    @property
    def ok(self) -> bool:
        """Whether every invariant holds."""
        return all(one.ok for one in self.checks)

    def as_json(self) -> dict[str, Any]:
        """As `verify --json` prints it."""
        return {"ok": self.ok, "checks": [one.as_json() for one in self.checks], "counts": self.counts}
