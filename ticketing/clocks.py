"""The clocks of a ticket as values: what is promised, since when, until when, and what of it has been said. Pure.

All instants and spans are microseconds, as `bus.calendars` counts them.
"""

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field, replace
from typing import Any, Literal, NamedTuple

from bus.settings import Which

RESPONSES: tuple[Which, ...] = ("first_response", "next_response")
EVERY: tuple[Which, ...] = (*RESPONSES, "resolution")

What = Literal["soon", "overdue", "escalate"]


class Moment(NamedTuple):
    """Something that falls due by time alone. Sorted they are in the order in which they happen."""

    at: int
    order: int
    which: Which
    what: What


@dataclass(frozen=True, slots=True)
class Clock:
    """One clock. It has run for `used` of the `target` until `since`, and runs again from there.

    `due`: None while it stands still. `soon`, `escalate`: when to warn and to escalate; None: not, or not any more.
    `overdue`: that it is has been told. `by_hand`: somebody has set `due`, and no service level moves it. `run`: how
    many times a clock of this ticket had been set when this one was.
    """

    since: int
    target: int
    due: int | None
    run: int
    level: str | None = None
    calendar: str | None = None
    calendar_version: int | None = None
    used: int = 0
    soon: int | None = None
    escalate: int | None = None
    escalate_to: str | None = None
    overdue: bool = False
    by_hand: bool = False

    def moments(self, which: Which) -> Iterator[Moment]:
        """What is still to happen."""
        if self.due is None:
            return
        if self.soon is not None and not self.overdue:
            yield Moment(self.soon, 0, which, "soon")
        if not self.overdue:
            yield Moment(self.due, 1, which, "overdue")
        if self.escalate is not None:
            yield Moment(self.escalate, 2, which, "escalate")

    def done(self, what: What) -> "Clock":
        """The clock once that has happened."""
        if what == "overdue":
            return replace(self, overdue=True, soon=None)
        return replace(self, soon=None) if what == "soon" else replace(self, escalate=None)


@dataclass(frozen=True, slots=True)
class Clocks:
    """All clocks of a ticket. `answered`: an agent has. `floor`: the latest instant that its history has told of
    beside what customers write; no clock is due before it. `told`: the latest moment that a clock has told."""

    running: Mapping[Which, Clock] = field(default_factory=dict)
    answered: bool = False
    floor: int = 0
    told: int = 0
    runs: int = 0

    def next(self) -> Moment | None:
        """What happens next, if nobody does anything."""
        return min((m for which, clock in self.running.items() for m in clock.moments(which)), default=None)

    def due(self, *which: Which) -> int | None:
        """The earliest due time among these clocks, or all."""
        chosen = (clock for name, clock in self.running.items() if not which or name in which)
        return min((clock.due for clock in chosen if clock.due is not None), default=None)

    def after(self, moment: Moment) -> "Clocks":
        """The clocks once this moment has been told."""
        clock = self.running[moment.which].done(moment.what)
        running = {**self.running, moment.which: clock}
        told = self.told if moment.what == "soon" else max(self.told, moment.at)
        return replace(self, running=running, floor=max(self.floor, moment.at), told=told)

    def put(self, which: Which, clock: Clock | None) -> "Clocks":
        """With this clock instead; None: without it."""
        others = {name: other for name, other in self.running.items() if name != which}
        if clock is None:
            return replace(self, running=others)
        return replace(self, running={**others, which: replace(clock, run=self.runs + 1)}, runs=self.runs + 1)

    def to_json(self) -> dict[str, Any]:
        """As it is stored; {} when there is nothing to say."""
        said: dict[str, Any] = {"answered": True} if self.answered else {}
        said |= {name: value for name in ("floor", "told", "runs") if (value := getattr(self, name))}
        if self.running:
            said["running"] = {
                which: {name: value for name, value in asdict(clock).items() if value not in (None, False)}
                for which, clock in self.running.items()
            }
        return said

    @classmethod
    def from_json(cls, said: Mapping[str, Any]) -> "Clocks":
        """As it was stored."""
        if not said:
            return NO_CLOCKS
        running = {which: Clock(**{"due": None, **clock}) for which, clock in said.get("running", {}).items()}
        numbers = {name: said.get(name, 0) for name in ("floor", "told", "runs")}
        return cls(running, said.get("answered", False), **numbers)


NO_CLOCKS = Clocks()
