"""Health of a process: named conditions, each true or with the reason why not."""

from collections.abc import Callable
from dataclasses import dataclass, field


@dataclass(slots=True)
class Health:
    """`ready` when every named condition holds; parts report through `set`.

    `notes` are asked when somebody looks: what an operator should know of a process that does its work.
    """

    conditions: dict[str, str | None] = field(default_factory=dict)
    notes: dict[str, Callable[[], str | None]] = field(default_factory=dict)

    def set(self, name: str, problem: str | None = None) -> None:
        """`problem` None: the condition holds."""
        self.conditions[name] = problem

    @property
    def problems(self) -> dict[str, str]:
        """What does not hold, and why."""
        return {name: problem for name, problem in self.conditions.items() if problem is not None}

    @property
    def noted(self) -> dict[str, str]:
        """What is to be said at this moment."""
        return {name: text for name, note in self.notes.items() if (text := note()) is not None}

    @property
    def ready(self) -> bool:
        """Whether this process does its work now; with no condition reported it does not yet."""
        return bool(self.conditions) and not self.problems
