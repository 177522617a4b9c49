"""Adding up what tickets contribute: most of them share their keys with many others. Pure."""

from collections import defaultdict
from collections.abc import Mapping
from typing import NamedTuple

from metrics_worker.contacts import ContactFacts, feedback_of
from metrics_worker.contribution import Contribution, has_days
from metrics_worker.settling import DayKey

_COMBINATIONS = 20_000
_MANY = ("contact:", "account:")
Counters = dict[str, int]


class Sums(NamedTuple):
    """Counters of keys, for always and by day; some may be 0."""

    figures: Mapping[str, Counters]
    days: Mapping[DayKey, Counters]


def into(sums: Counters, counters: Mapping[str, int], sign: int = 1) -> None:
    """Add counters to sums."""
    for counter, n in counters.items():
        sums[counter] = sums.get(counter, 0) + sign * n


class Tally:
    """The counters of all keys, for always and by day.

    Contacts and accounts are as many as a desk has customers: what they have come to is taken away (`take`) before they
    are too many. What a ticket adds to the desk, its agent and its team is the same: it is added once for the
    combination of these, and only in the end to each of them.
    """

    def __init__(self) -> None:
        self._many: defaultdict[str, Counters] = defaultdict(dict)
        self._many_days: defaultdict[DayKey, Counters] = defaultdict(dict)
        self._figures: defaultdict[str, Counters] = defaultdict(dict)
        self._days: defaultdict[DayKey, Counters] = defaultdict(dict)
        self._shared: dict[tuple[str, ...], dict[int, Counters]] = {}

    def count(self, adding: Contribution, sign: int = 1) -> None:
        """Add what a group contributes, or take it away."""
        for keys, counters, by_day in adding.shares:
            shared: list[str] = []
            for key in keys:
                if not key.startswith(_MANY):
                    shared.append(key)
                    continue
                into(self._many[key], counters, sign)
                if has_days(key):
                    for day, some in by_day.items():
                        into(self._many_days[key, day], some, sign)
            days = self._shared.setdefault(tuple(shared), {})
            for day, some in by_day.items():
                into(days.setdefault(day, {}), some, sign)
        if len(self._shared) > _COMBINATIONS:
            self._spread()

    def count_feedback(self, contact: ContactFacts) -> None:
        """Add what a contact adds by itself."""
        for key, fact in feedback_of(contact):
            many = key.startswith(_MANY)
            into((self._many if many else self._figures)[key], {"feedback": 1})
            if has_days(key):
                into((self._many_days if many else self._days)[key, fact.day], {"feedback": 1})

    def add(self, sums: Sums) -> None:
        """Add what another tally came to in the end."""
        for key, counters in sums.figures.items():
            into(self._figures[key], counters)
        for day_key, counters in sums.days.items():
            into(self._days[day_key], counters)

    @property
    def held(self) -> int:
        """How much `take` would give."""
        return len(self._many) + len(self._many_days)

    def take(self) -> Sums:
        """What contacts and accounts have come to since this was asked last."""
        taken = Sums(self._many, self._many_days)
        self._many, self._many_days = defaultdict(dict), defaultdict(dict)
        return taken

    def sums(self) -> Sums:
        """What all others have come to."""
        self._spread()
        return Sums(self._figures, self._days)

    def _spread(self) -> None:
        for keys, days in self._shared.items():
            for day, counters in days.items():
                for key in keys:
                    into(self._figures[key], counters)
                    if has_days(key):
                        into(self._days[key, day], counters)
        self._shared.clear()
