"""What is promised to whom (`[service_levels]`), and when it falls due. Pure."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta

from bus.calendars import Calendar
from bus.configured_calendars import configured, with_always
from bus.errors import ConfigError
from bus.settings import ServiceLevelSettings, Settings, Which
from ticketing.clocks import EVERY, Clock


@dataclass(frozen=True, slots=True)
class ServiceLevel:
    """One section. `targets`: working time, in microseconds, as `soon` and `escalate_after` are."""

    name: str
    calendar: Calendar
    targets: Mapping[Which, int]
    priorities: frozenset[str] = frozenset()
    departments: frozenset[str] = frozenset()
    accounts: frozenset[str] = frozenset()
    on_hold: frozenset[Which] = frozenset()
    soon: int = 0
    escalate_to: str | None = None
    escalate: frozenset[Which] = frozenset()
    escalate_after: int = 0

    def fits(self, priority: str, department: str, account: Collection[str]) -> bool:
        """Whether it is promised to such a ticket. `account`: all names of the customer's company."""
        return (
            (not self.priorities or priority in self.priorities)
            and (not self.departments or department in self.departments)
            and (not self.accounts or not self.accounts.isdisjoint(account))
        )

    def start(self, which: Which, since: int, floor: int) -> Clock | None:
        """A clock that runs from `since`, due not before `floor`; None when nothing is promised."""
        target = self.targets.get(which)
        return None if target is None else self._due(which, Clock(since, target, None, 0), floor)

    def again(self, which: Which, clock: Clock, since: int) -> Clock | None:
        """A clock under this level's promise, running (again) from `since`; what has been used stays used."""
        target = self.targets.get(which)
        if target is None:
            return None
        if clock.overdue and clock.due is None:  # it was overdue when it was stopped, and is not so twice
            return replace(clock, since=since, target=target, due=since, level=self.name)
        return self._due(which, replace(clock, since=since, target=target), since)

    def held(self, clock: Clock, at: int) -> Clock:
        """A clock that stands still from `at`."""
        return replace(clock, used=self.used(clock, at), since=at, due=None, soon=None, escalate=None)

    def used(self, clock: Clock, at: int) -> int:
        """The working time that a clock has used at `at`."""
        return clock.used + (0 if clock.due is None else self.calendar.between(clock.since, at))

    def by_hand(self, which: Which, due: int, at: int) -> Clock:
        """A clock that somebody has set to a time."""
        return self._others(which, Clock(at, max(0, due - at), due, 0, by_hand=True), due - self.soon, at)

    def _due(self, which: Which, clock: Clock, floor: int) -> Clock | None:
        left = clock.target - clock.used
        due = self.calendar.after(clock.since, left)
        if due is None:
            return None
        due = max(due, floor)
        soon = self.calendar.after(clock.since, left - self.soon) if left > self.soon else None
        fresh = replace(clock, due=due, overdue=False, by_hand=False)
        return self._others(which, fresh, soon, floor)

    def _others(self, which: Which, clock: Clock, soon: int | None, floor: int) -> Clock:
        assert clock.due is not None
        escalate = None
        if self.escalate_to is not None and which in self.escalate:
            escalate = self.calendar.after(clock.due, self.escalate_after)
        return replace(
            clock,
            level=self.name,
            calendar=self.calendar.id,
            calendar_version=self.calendar.version,
            soon=soon if self.soon and soon is not None and floor < soon < clock.due else None,
            escalate=escalate,
            escalate_to=self.escalate_to if escalate is not None else None,
        )


@dataclass(frozen=True, slots=True)
class ServiceLevels:
    """All of them, in their order."""

    levels: Sequence[ServiceLevel] = ()
    names: frozenset[str] = field(init=False)
    """Of accounts, as any of them names one."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "names", frozenset(name for level in self.levels for name in level.accounts))

    def of(self, priority: str, department: str, account: Collection[str]) -> ServiceLevel | None:
        """The first that fits."""
        return next((level for level in self.levels if level.fits(priority, department, account)), None)

    def called(self, name: str | None) -> ServiceLevel | None:
        """By its name."""
        return next((level for level in self.levels if level.name == name), None)


NOTHING_PROMISED = ServiceLevels()


def levels_of(settings: Settings) -> ServiceLevels:
    """The settings as values. Raises ConfigError for a calendar that there is not, or that never works."""
    calendars = with_always(configured(settings))
    return ServiceLevels([_level(name, s, calendars, settings) for name, s in settings.service_levels.items()])


def _level(
    name: str, section: ServiceLevelSettings, calendars: Mapping[str, Calendar], settings: Settings
) -> ServiceLevel:
    calendar = calendars.get(section.calendar or settings.desk.calendar)
    if calendar is None:
        raise ConfigError(f"[service_levels.{name}] calendar: there is no [calendars.{section.calendar}]")
    if calendar.after(0, 1) is None:
        raise ConfigError(f"[service_levels.{name}] calendar: {calendar.id} has no working hours")
    times = {which: getattr(section, which) for which in EVERY}
    return ServiceLevel(
        name,
        calendar,
        {which: _micros(time) for which, time in times.items() if time is not None},
        frozenset(section.priorities),
        frozenset(section.departments),
        frozenset(section.accounts),
        frozenset(section.on_hold),
        _micros(section.due_soon),
        section.escalate_to,
        frozenset(section.escalate) if section.escalate_to else frozenset(),
        _micros(section.escalate_after),
    )


def _micros(time: timedelta) -> int:
    return time // timedelta(microseconds=1)
