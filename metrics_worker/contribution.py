"""What a merge group adds to the figures, and by which events. Pure; integers only."""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
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
_CLOCKS = ("calendar", "business")
_CLOCKED = {f"{name}.{clock}": (f"{name}.{clock}:s", f"{name}.{clock}:n") for name in DURATIONS for clock in _CLOCKS}
"""Figures of a duration, each with the counters of its sum and of how many."""
_FIRST, _NEXT, _FIRST_RESOLUTION, _RESOLUTION = (
    tuple([tuple(f"{name}.{clock}" for name in names) for clock in _CLOCKS])
    for names in (
        ("response_time", "first_response_time"),
        ("response_time", "next_response_time"),
        ("first_resolution_time",),
        ("resolution_time",),
    )
)
"""Figures that take the same duration, by clock."""
_RATED = frozenset(f"happiness.{rating}" for rating in ("good", "ok", "bad"))
_DAY = 86_400_000_000
CELL = "\x1f"
"""Between the keys of a cell (`team:<id>␟agent:<id>`): what an agent's tickets, or nobody's, add to a team."""


class MetricKey(NamedTuple):
    """One counter: whose (`contact:<id>` … `desk`), and which."""

    key: str
    figure: str


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


def keys_of(group: MergeGroup, agent: str | None = None) -> list[str]:
    """Whose figures the group belongs to: those its root names; `agent` in place of its owner."""
    root = group.root
    if root is None:
        return []
    owner, team = agent or root.owner_id, root.team_id
    keys = ["desk"]
    if root.contact_id is not None:
        keys.append(f"contact:{root.contact_id}")
    if root.account_id is not None:
        keys.append(f"account:{root.account_id}")
    if owner is not None:
        keys.append(f"agent:{owner}")
    if team is not None:
        keys += (f"team:{team}", f"team:{team}{CELL}agent:{owner or ''}")
    return keys


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
            if due.overdue is not None and not _met(due.which, due.set_at, union):
                yield Measure("overdue_now", 1, 1, due.overdue)
                break
    reopened = next((turn for turn in root.turns if turn.code == REOPENED), None)
    if reopened is not None:
        yield Measure("reopened", 1, 1, reopened)


def _met(which: str, set_at: int, union: Sequence[Fact]) -> bool:
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


def counters_of(measure: Measure) -> Sequence[tuple[str, int]]:
    """The counters in which a measure is kept: a count alone, or `:n`, `:s` and a bucket of a duration."""
    figure, n, total, since, _, bucket, _ = measure
    if (clocked := _CLOCKED.get(figure)) is None:
        if figure == "unanswered":
            # not shown: it changes whenever one that waits is replaced by another, and with it the oldest
            return (figure, n), ("unanswered:since", since.at // 1_000_000)
        return ((figure, n),)
    of_sum, of_number = clocked
    if bucket is None:
        return ((of_sum, total),) if total else ()
    if not total:
        return (of_number, 1), (f"{figure}:{bucket}", 1)
    return (of_sum, total), (of_number, 1), (f"{figure}:{bucket}", 1)


class Portion(NamedTuple):
    """Counters that are added to each of `keys`, for always and by local day (contacts and cells have no days)."""

    keys: Sequence[str]
    counters: Mapping[str, int]
    by_day: Mapping[int, Mapping[str, int]]


class Marks(NamedTuple):
    """What is kept beside a group's root, to find it by.

    `waiting_since`: since when its customer waits for the first response. `next_due`: when its next clock will pass.
    `last_day`: no fact of the group is of a later day (UTC, days since 1970). `rated_day`: the same of its ratings.
    """

    waiting_since: int | None = None
    next_due: int | None = None
    last_day: int | None = None
    rated_day: int | None = None

    @property
    def has_clock(self) -> bool:
        """Whether time alone can change what its figures show."""
        return self.waiting_since is not None or self.next_due is not None


class Contribution(NamedTuple):
    """What a group adds to counters, and the marks of its root."""

    shares: Sequence[Portion]
    marks: Marks

    @property
    def total(self) -> dict[MetricKey, int]:
        """Every counter of every key."""
        found: defaultdict[MetricKey, int] = defaultdict(int)
        for portion in self.shares:
            for key in portion.keys:
                for counter, n in portion.counters.items():
                    found[MetricKey(key, counter)] += n
        return found


def contribution(group: MergeGroup, calendars: Calendars) -> Contribution:
    """The group's share of every counter it has a share in; all numbers are sums of these."""
    portions: defaultdict[str | None, defaultdict[int, dict[str, int]]] = defaultdict(lambda: defaultdict(dict))
    waiting_since, rated_at = None, -1
    found = measures(group, calendars)
    for measure in found:
        day = portions[measure.agent][(measure.until or measure.since).day]
        for counter, n in counters_of(measure):
            day[counter] = day.get(counter, 0) + n
        if measure.figure == "unanswered":
            waiting_since = measure.since.at
        elif measure.figure in _RATED:
            rated_at = max(rated_at, measure.since.at)
    if not found:
        return Contribution((), Marks())
    shares = [Portion(keys_of(group, agent), _of_all_days(by_day), by_day) for agent, by_day in portions.items()]
    rated_day = rated_at // _DAY if rated_at >= 0 else None
    return Contribution(shares, Marks(waiting_since, _next_due(group), _last_at(group) // _DAY, rated_day))


def _of_all_days(by_day: Mapping[int, Mapping[str, int]]) -> Mapping[str, int]:
    first, *others = by_day.values()
    if not others:
        return first
    sums = dict(first)
    for counters in others:
        for counter, n in counters.items():
            sums[counter] = sums.get(counter, 0) + n
    return sums


def _last_at(group: MergeGroup) -> int:
    assert group.root is not None
    last = [facts.facts[-1].at for facts in (group.root, *group.members) if facts.facts]
    if group.root.turns:
        last.append(group.root.turns[-1].at)
    return max(last)


def _next_due(group: MergeGroup) -> int | None:
    root = group.root
    if root is None or root.closed or not root.dues:
        return None
    ahead = [due for due in root.dues if due.overdue is None and not _met(due.which, due.set_at, group.union)]
    return min((due.due_at for due in ahead), default=None)


def has_days(key: str) -> bool:
    """Whether figures by day are kept for a key."""
    return not key.startswith("contact:") and CELL not in key
