"""What a merge group's measures add to counters: of whom, on which day, and what its root is found by. Pure."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from bus.calendars import Calendars
from metrics_worker.groups import MergeGroup
from metrics_worker.measures import DURATION_FIGURES, Measure, measures, met

_CLOCKED = {name: (f"{name}:s", f"{name}:n") for name in DURATION_FIGURES}
"""Figures of a duration, each with the counters of its sum and of how many."""
_RATED = frozenset(f"happiness.{rating}" for rating in ("good", "ok", "bad"))
_DAY = 86_400_000_000
_WEEK = 7
CELL = "\x1f"
"""Between the keys of a cell (`team:<id>␟agent:<id>`): what an agent's tickets, or nobody's, add to a team."""


class MetricKey(NamedTuple):
    """One counter: whose (`contact:<id>` … `desk`), and which."""

    key: str
    figure: str


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
    `last_day`: no fact of the group is of a later day (UTC, days since 1970). It ends a week that the first fact began,
    or two, or four … : so little of what happens on a ticket changes it. `rated_day`: that of its last rating.
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
    return Contribution(shares, Marks(waiting_since, _next_due(group), _last_day(group), rated_day))


def _of_all_days(by_day: Mapping[int, Mapping[str, int]]) -> Mapping[str, int]:
    first, *others = by_day.values()
    if not others:
        return first
    sums = dict(first)
    for counters in others:
        for counter, n in counters.items():
            sums[counter] = sums.get(counter, 0) + n
    return sums


def _last_day(group: MergeGroup) -> int:
    assert group.root is not None
    told = [facts.facts for facts in (group.root, *group.members) if facts.facts]
    first = min(facts[0].at for facts in told) // _DAY
    last = max(facts[-1].at for facts in (*told, group.root.turns) if facts) // _DAY
    days = _WEEK
    while first + days <= last:
        days *= 2
    return first + days - 1


def _next_due(group: MergeGroup) -> int | None:
    root = group.root
    if root is None or root.closed or not root.dues:
        return None
    ahead = [due for due in root.dues if due.overdue is None and not met(due.which, due.set_at, group.union)]
    return min((due.due_at for due in ahead), default=None)


def has_days(key: str) -> bool:
    """Whether figures by day are kept for a key."""
    return not key.startswith("contact:") and CELL not in key
