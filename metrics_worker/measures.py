"""What a merge group adds to the figures, and by which events. Pure; integers only."""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from bus.calendars import Calendars
from metrics_worker.buckets import bucket_of
from metrics_worker.facts import CLOSED, MESSAGE, OPENED, OVERDUE, RATED, REOPENED, RESPONSE, Fact, TicketFacts
from metrics_worker.groups import MergeGroup

DURATIONS = (
    "first_response_time",
    "response_time",
    "next_response_time",
    "first_resolution_time",
    "resolution_time",
)
CLOCKS = ("calendar", "business")
DURATION_FIGURES = frozenset(f"{name}.{clock}" for name in DURATIONS for clock in CLOCKS)
_FIRST, _NEXT, _FIRST_RESOLUTION, _RESOLUTION = (
    tuple([tuple(f"{name}.{clock}" for name in names) for clock in CLOCKS])
    for names in (
        ("response_time", "first_response_time"),
        ("response_time", "next_response_time"),
        ("first_resolution_time",),
        ("resolution_time",),
    )
)
"""Figures that take the same duration, by clock."""


class Measure(NamedTuple):
    """What a figure gets from one event to another (`until` None: it lasts, or is one moment).

    `n` is added to its count and `total` to its sum. A duration in several stretches is counted (`bucket`) with the
    first. `agent`: whose it is when that is not the ticket's owner.
    """

    figure: str
    n: int
    total: int
    since: Fact
    until: Fact | None = None
    bucket: int | None = None
    agent: str | None = None

    @property
    def day(self) -> int:
        """The desk's local day on which it belongs: that of the event that completes it."""
        return (self.until or self.since).day


def measures(group: MergeGroup, calendars: Calendars) -> list[Measure]:
    """Everything the group adds, for each of its keys alike; nothing while its root is spam or not read yet."""
    root = group.root
    if root is None or root.spam:
        return []
    union = group.union
    opened = next((fact for fact in union if fact.code == OPENED), None)
    if opened is None:
        return []
    talk = _Talk(union)
    first = next(fact for fact in union if fact.code in (OPENED, MESSAGE))
    found = [Measure("total", 1, 1, opened), Measure(f"by_channel.{first.what}", 1, 1, first)]
    found += [Measure(f"messages_by_channel.{fact.what}", 1, 1, fact) for fact in union if fact.code == MESSAGE]
    if root.closed:
        found.append(Measure("closed", 1, 1, opened, root.turns[-1]))
    else:
        found += _open(root, opened, talk)
    found += _over_time(root, union)
    for n, run in enumerate(talk.runs):
        found += _durations(_NEXT if n else _FIRST, [run], calendars)
    found += _resolved(group, opened, talk, calendars)
    rated = [fact for fact in union if fact.code == RATED]
    found += [Measure(f"happiness.{fact.what}", 1, 1, fact, None, None, fact.agent) for fact in rated]
    found += [Measure("happiness.words", 1, 1, fact, None, None, fact.agent) for fact in rated if fact.words]
    return found


class _Talk:
    """Who waited for whom: `runs` of customers' messages with their answers, and the wait that lasts.

    `answered`: an agent has responded, or spoke with the customer; `theirs`: the last word was the customer's.
    """

    def __init__(self, union: Sequence[Fact]) -> None:
        self.runs: list[tuple[Fact, Fact]] = []
        self.wait: Fact | None = None
        self.answered = self.theirs = False
        # what was said on the phone until the ticket was opened was answered there
        call = max([fact.at for fact in union if fact.code == OPENED and fact.about == "live"], default=-1)
        for fact in union:
            code = fact.code
            if code == RESPONSE:
                self._answer(fact)
            elif code == OPENED and fact.about == "live":
                self.wait = self.wait or (None if self.runs else fact)
                self._answer(fact)
            elif (code == MESSAGE and (fact.what != "phone" or fact.at > call)) or (
                code == OPENED and fact.about == "waits"
            ):
                self.wait = self.wait or fact
                self.theirs = True

    def _answer(self, fact: Fact) -> None:
        if self.wait is not None:
            self.runs.append((self.wait, fact))
        self.wait, self.answered, self.theirs = None, True, False


def _open(root: TicketFacts, opened: Fact, talk: _Talk) -> Iterator[Measure]:
    since = root.turns[-1] if root.turns else opened
    yield Measure("open", 1, 1, since)
    if talk.theirs or not talk.answered:
        yield Measure("open_awaiting_agent", 1, 1, talk.wait or since)
    if talk.wait is not None and not talk.runs:
        yield Measure("unanswered", 1, 1, talk.wait)


def _over_time(root: TicketFacts, union: Sequence[Fact]) -> Iterator[Measure]:
    breaches = [fact for fact in union if fact.code == OVERDUE]
    if breaches:
        yield Measure("breached_ever", 1, 1, breaches[0])
    if not root.closed:
        for due in root.dues:
            if due.overdue is not None and not met(due.which, due.set_at, union):
                yield Measure("overdue_now", 1, 1, due.overdue)
                break
    reopened = next((turn for turn in root.turns if turn.code == REOPENED), None)
    if reopened is not None:
        yield Measure("reopened", 1, 1, reopened)


def met(which: str, set_at: int, union: Sequence[Fact]) -> bool:
    """A clock that waits for a response is done with by one."""
    return "response" in which and any(fact.code == RESPONSE and fact.at >= set_at for fact in union)


def _resolved(group: MergeGroup, opened: Fact, talk: _Talk, calendars: Calendars) -> Iterator[Measure]:
    root = group.root
    assert root is not None
    by_agent = next((turn for turn in root.turns if turn.code == CLOSED and turn.agent is not None), None)
    if by_agent is not None:
        yield from _durations(_FIRST_RESOLUTION, [(opened, by_agent)], calendars)
    if not root.closed:
        return
    if not talk.answered and not any(facts.resolved for facts in (root, *group.members)):
        yield Measure("closed_silently", 1, 1, opened, root.turns[-1])
        return
    begin, stretches = opened, []
    for turn in root.turns:
        if turn.code == CLOSED:
            stretches.append((begin, turn))
        begin = turn
    yield from _durations(_RESOLUTION, stretches, calendars)


def _durations(
    figures: Sequence[Sequence[str]], stretches: Sequence[tuple[Fact, Fact]], calendars: Calendars
) -> Iterator[Measure]:
    """On both clocks; each stretch in whole seconds, its fraction dropped; measured with the last event's calendar.

    `figures`: all those that take this duration, by clock.
    """
    last = stretches[-1][1]
    between = calendars.measuring(last.calendar, last.desk).between
    calendar = [max(0, until.at - since.at) // 1_000_000 for since, until in stretches]
    business = [between(since.at, until.at) // 1_000_000 for since, until in stretches]
    for names, lengths in zip(figures, (calendar, business), strict=True):
        bucket: int | None = bucket_of(sum(lengths))
        for (since, until), length in zip(stretches, lengths, strict=True):
            n = int(bucket is not None)
            for figure in names:
                yield Measure(figure, n, length, since, until, bucket)
            bucket = None
