"""Adding up what tickets contribute: most of them share their keys with many others. Pure."""

from collections import defaultdict
from collections.abc import Mapping
from typing import NamedTuple

from metrics_worker.contacts import ContactFacts, feedback_of
from metrics_worker.contribution import Contribution, has_days
from metrics_worker.settling import DayKey

_COMBINATIONS = 20_000
Counters = dict[str, int]


class Sums(NamedTuple):
    """Counters of all keys but contacts', for always and by day; some may be 0."""

    figures: Mapping[str, Counters]
    days: Mapping[DayKey, Counters]


def into(sums: Counters, counters: Mapping[str, int], sign: int = 1) -> None:
    """Add counters to sums."""
    for counter, n in counters.items():
        sums[counter] = sums.get(counter, 0) + sign * n


class Tally:
    """The counters of contacts, and those of all other keys, for always and by day.

    What a ticket adds to the desk, its account, its agent and its team is the same: it is added once for the
    combination of these, and only in the end to each of them.
    """

    def __init__(self) -> None:
        self.contacts: defaultdict[str, Counters] = defaultdict(dict)
        self._figures: defaultdict[str, Counters] = defaultdict(dict)
        self._days: defaultdict[DayKey, Counters] = defaultdict(dict)
        self._shared: dict[tuple[str, ...], dict[int, Counters]] = {}

    def count(self, adding: Contribution, sign: int = 1) -> None:
        """Add what a group contributes, or take it away."""
        for keys, counters, by_day in adding.shares:
            shared = tuple(keys)
            if len(keys) > 1 and keys[1].startswith("contact:"):
                into(self.contacts[keys[1]], counters, sign)
                shared = (keys[0], *keys[2:])
            days = self._shared.setdefault(shared, {})
            for day, some in by_day.items():
                into(days.setdefault(day, {}), some, sign)
        if len(self._shared) > _COMBINATIONS:
            self._spread()

    def count_feedback(self, contact: ContactFacts) -> None:
        """Add what a contact adds by itself."""
        for key, fact in feedback_of(contact):
            if key.startswith("contact:"):
                into(self.contacts[key], {"feedback": 1})
            else:
                into(self._figures[key], {"feedback": 1})
                into(self._days[key, fact.day], {"feedback": 1})

    def add(self, sums: Sums) -> None:
        """Add what another tally came to, without its contacts."""
        for key, counters in sums.figures.items():
            into(self._figures[key], counters)
        for day_key, counters in sums.days.items():
            into(self._days[day_key], counters)

    def sums(self) -> Sums:
        """What all came to, without contacts."""
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
