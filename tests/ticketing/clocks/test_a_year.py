"""A year of random acts under two clocks that come and go: every due moment is told once, and in its place."""

import random
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import pytest

from bus.calendars import instant, micros
from bus.errors import Invalid
from bus.settings import Which
from bus.ticket_event import TicketEvent
from tests.metrics_worker.oracle_facts import Hours
from tests.ticketing.clocks.stories import HOUR, NORMAL, URGENT, Story

BEGIN, END = datetime(2026, 1, 1, tzinfo=UTC), datetime(2027, 1, 1, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
HOURS = Hours(
    "Europe/Amsterdam", {day: [("09:00", "12:30"), ("13:00", "17:00")] for day in range(5)}, ["2026-12-25", "05-05"]
)
"""Counted by the figures' oracle, which knows nothing of our calendars."""
_ACTS = ("writes", "writes", "replies", "replies", "closes", "reopens", "on_hold", "open", "urgent", "normal", "due")


@dataclass(frozen=True)
class Step:
    """What somebody does to a ticket, and when."""

    at: datetime
    ticket: int
    act: str


def year(seed: int, tickets: int) -> list[Step]:
    """Acts on tickets, in their order; at random minutes, and often exactly when something falls due."""
    dice = random.Random(seed)
    steps = []
    for ticket in range(tickets):
        at = BEGIN + dice.random() * (END - BEGIN)
        for n in range(dice.randint(1, 12)):
            act = "opens" if n == 0 else dice.choice(_ACTS)
            steps.append(Step(at.replace(second=0, microsecond=0), ticket, act))
            at += timedelta(hours=dice.choice([0, 0.5, 1, 3, 8, 30, 200]) * dice.random() * 2)
    # two nights in which clocks change, and what is written in them
    for night in (datetime(2026, 3, 29, 0, 59, tzinfo=UTC), datetime(2026, 10, 25, 0, 59, tzinfo=UTC)):
        steps += [Step(night + n * timedelta(minutes=30), tickets + n, "opens") for n in range(4)]
        tickets += 4
    return sorted(steps, key=lambda s: (s.at, s.ticket))


def do(story: Story, step: Step) -> None:
    """One act; what cannot be done is not."""
    act, at = step.act, step.at
    try:
        match act:
            case "opens":
                story.open(at, "urgent" if step.ticket % 3 == 0 else "normal")
            case "on_hold" | "open":
                story.becomes(act, at)
            case "urgent" | "normal":
                story.priority(act, at)
            case "due":
                if story.ticket.status != "closed":
                    story.due(at + timedelta(hours=7), at)
            case _:
                getattr(story, act)(at)
    except Invalid:
        story.assigned(at)


def watched_at_every_moment(steps: Sequence[Step]) -> dict[int, list[TicketEvent]]:
    """What is told when the clock looks at every moment exactly when it comes."""
    stories: dict[int, Story] = {}
    for step in steps:
        story = stories.setdefault(step.ticket, Story())
        to_the_minute(story, step.at)
        do(story, step)
    for story in stories.values():
        to_the_minute(story, END + timedelta(days=60))
    return {ticket: story.events for ticket, story in stories.items()}


def to_the_minute(story: Story, until: datetime) -> None:
    while (moment := story.ticket.timed.next()) is not None and instant(moment.at) <= until:
        story.passes(instant(moment.at))


def watched_by_two(steps: Sequence[Step], seed: int) -> dict[int, list[TicketEvent]]:
    """What is told by two clocks that each run and rest for random times, and act on what they saw before."""
    dice = random.Random(seed)
    stories: dict[int, Story] = {}
    looks: list[tuple[datetime, str, int]] = []
    for clock in range(2):
        at = BEGIN
        while at < END:
            until = at + timedelta(hours=dice.expovariate(1 / 50))
            while at < until:
                looks.append((at, "sees", clock))
                looks.append((at + timedelta(seconds=dice.choice([0, 0, 0.1, 400])), "tells", clock))
                at += timedelta(minutes=dice.choice([1, 20, 200]))
            at = until + timedelta(hours=dice.choice([0, 0.1, 5, 24 * 21]) * dice.random())
    seen: dict[int, tuple[datetime, list[int]]] = {}
    acts = iter([*steps, None])
    step = next(acts)
    for at, what, clock in sorted(looks):
        while step is not None and step.at <= at:
            do(stories.setdefault(step.ticket, Story()), step)
            step = next(acts)
        if what == "sees":
            seen[clock] = at, [t for t, s in stories.items() if (m := s.ticket.timed.next()) and instant(m.at) <= at]
        elif clock in seen:
            now, due = seen.pop(clock)
            for ticket in due:
                stories[ticket].passes(now)
    while step is not None:
        do(stories.setdefault(step.ticket, Story()), step)
        step = next(acts)
    for story in stories.values():
        story.passes(END + timedelta(days=60))
    return {ticket: story.events for ticket, story in stories.items()}


def plain(events: Sequence[TicketEvent]) -> list[tuple[str, datetime, dict[str, object]]]:
    return [(event.type, event.occurred_at, event.data) for event in events]


def check(events: Sequence[TicketEvent]) -> int:
    """Each due time that nothing moved is told once, when it was due, and nothing is out of its place; how many."""
    due: dict[str, datetime | None] = {}
    told: set[tuple[str, datetime]] = set()
    at = BEGIN
    for event in events:
        assert event.occurred_at >= at
        at = event.occurred_at
        for which, moment in due.items():  # whatever is told later than a due time finds it told
            assert moment is None or event.occurred_at <= moment or (which, moment) in told or _its(event, which)
        which = event.data.get("which", "")
        if event.type == "ticket.due_set":
            due[which] = _time(event.data["due_at"])
        elif event.type == "ticket.became_overdue":
            moment = _time(event.data["due_at"])
            assert moment is not None
            assert (event.occurred_at, due[which]) == (moment, moment)
            assert (which, moment) not in told
            told.add((which, moment))
    for which, moment in due.items():
        assert moment is None or (which, moment) in told
    return len(told)


def _its(event: TicketEvent, which: str) -> bool:
    return event.type == "ticket.became_overdue" and event.data["which"] == which


def _time(value: object) -> datetime | None:
    return None if value is None else value if isinstance(value, datetime) else datetime.fromisoformat(str(value))


def check_first_promises(events: Sequence[TicketEvent]) -> None:
    """The first due times are right by another's count of working time, to the minute."""
    opened = events[0]
    level = URGENT if opened.data["priority"] == "urgent" else NORMAL
    firsts: list[Which] = ["first_response", "resolution"]
    for which in firsts:
        due = _time(next(e for e in events if e.type == "ticket.due_set" and e.data["which"] == which).data["due_at"])
        assert due is not None
        promised = timedelta(hours=level.targets[which] / HOUR)
        assert HOURS.worked(opened.occurred_at, due) == promised
        assert HOURS.worked(opened.occurred_at, due - MINUTE) == promised - MINUTE


@pytest.mark.parametrize("seed", range(2))
def test_each_due_moment_once(seed: int) -> None:
    run(seed, 60)


@pytest.mark.long
@pytest.mark.parametrize("seed", range(100, 150))
def test_each_due_moment_once_in_many_years(seed: int) -> None:
    run(seed, 300)


def run(seed: int, tickets: int) -> None:
    steps = year(seed, tickets)
    expected = watched_at_every_moment(steps)
    assert sum(check(events) for events in expected.values()) > tickets / 2
    for events in expected.values():
        check_first_promises(events)
    for other in range(2):
        found = watched_by_two(steps, 1000 * seed + other)
        for ticket, events in expected.items():
            assert plain(found[ticket]) == plain(events)


assert micros(BEGIN) % HOUR == 0
