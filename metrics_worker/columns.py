"""How the counters of a key are kept: those of durations, which are many, in a column of their own, by figure. Pure.

`counts` is `{counter: n}`, `durations` is `{figure: {part: n}}` of counters that are called `figure:part`: a figure's
long name stands there once. Their keys are sorted and no number is 0, so that equal counters are equal texts.
"""

import json
from collections.abc import Mapping
from types import MappingProxyType
from typing import NamedTuple

from metrics_worker.measures import DURATION_FIGURES

Counts = Mapping[str, int]
Durations = Mapping[str, Mapping[str, int]]
NONE: Durations = MappingProxyType({})
NOTHING = "{}"


class Columns(NamedTuple):
    """A key's counters as they are stored, JSON; `durations` None: there are none, or they are as they were."""

    counts: str = NOTHING
    durations: str | None = None

    @classmethod
    def of(cls, counters: Counts) -> "Columns":
        """All of these; some may be 0."""
        counts, durations = apart({counter: n for counter, n in counters.items() if n})
        return cls(_encoded(counts), _encoded(durations) if durations else None)

    @property
    def parts(self) -> tuple[Counts, Durations]:
        """What both say."""
        return json.loads(self.counts), json.loads(self.durations) if self.durations else {}

    @property
    def counters(self) -> dict[str, int]:
        """The same as it is added up."""
        counts, durations = self.parts
        return dict(counts) | {f"{name}:{part}": n for name, parts in durations.items() for part, n in parts.items()}

    def plus(self, counts: Counts, durations: Durations) -> "Columns":
        """With these added. Where no durations are, they are as they were, and need not have been read."""
        return Columns(
            _encoded(_sum(json.loads(self.counts), counts)),
            _encoded(_sums(json.loads(self.durations or NOTHING), durations)) if durations else None,
        )


def apart(counters: Counts) -> tuple[Counts, Durations]:
    """Counters without those of durations, and these by figure and part."""
    counts: dict[str, int] = {}
    durations: dict[str, dict[str, int]] = {}
    for counter, n in counters.items():
        name, _, part = counter.partition(":")
        if name in DURATION_FIGURES:
            durations.setdefault(name, {})[part] = n
        else:
            counts[counter] = n
    return counts, durations


def _sum(found: dict[str, int], delta: Counts) -> dict[str, int]:
    for counter, n in delta.items():
        if total := found.get(counter, 0) + n:
            found[counter] = total
        else:
            found.pop(counter, None)
    return found


def _sums(found: dict[str, dict[str, int]], deltas: Durations) -> dict[str, dict[str, int]]:
    for name, delta in deltas.items():
        if parts := _sum(found.get(name, {}), delta):
            found[name] = parts
        else:
            found.pop(name, None)
    return found


_encoded = json.JSONEncoder(separators=(",", ":"), ensure_ascii=False, check_circular=False, sort_keys=True).encode
