"""From counters to the figures that are published and shown. Pure."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from functools import lru_cache
from typing import Any

from pydantic_core import to_json

from bus.figures import Figure
from metrics_worker.buckets import percentiles
from metrics_worker.columns import NONE, Counts, Durations
from metrics_worker.definitions import ALWAYS, definition_of
from metrics_worker.measures import CLOCKS, DURATION_FIGURES, DURATIONS

EVERY = (
    *ALWAYS,
    "happiness",
    "happiness.without_ok",
    "happiness.good",
    "happiness.ok",
    "happiness.bad",
    "happiness.words",
    *(f"{name}.{clock}" for name in DURATIONS for clock in CLOCKS),
    "closed_silently",
    "reopened",
    "feedback",
)
"""All figures but those by channel."""

Shown = dict[str, Any]


def figures(
    counters: Counts, durations: Durations = NONE, oldest_at: datetime | None = None, *, every: bool = False
) -> dict[str, Shown]:
    """The figures that counters make, as fields of `bus.figures.Figure`: those that are not 0 and those of ALWAYS.

    `durations`: the counters of these, by figure. `oldest_at`: since when the oldest of those that are unanswered
    waits. `every`: also those that are 0.
    """
    counts = {counter: n for counter, n in counters.items() if ":" not in counter}
    found: dict[str, Shown] = {name: _count(name, counts.pop(name, 0)) for name in ALWAYS}
    if found["unanswered"]["count"] and oldest_at is not None:
        found["unanswered"]["oldest_at"] = oldest_at
    for family in ("by_channel.", "messages_by_channel."):
        channels = sorted(name for name in counts if name.startswith(family))
        shares = percentages([counts[name] for name in channels])
        for name, percent in zip(channels, shares, strict=True):
            found[name] = _count(name, counts.pop(name)) | {"percent": percent}
    found |= _happiness(counts)
    for name in sorted(durations):
        found[name] = _duration(name, durations[name])
    for name in sorted(counts):
        found[name] = _count(name, counts[name])
    if every:
        for name in EVERY:
            if name not in found:
                found[name] = _duration(name, {}) if name in DURATION_FIGURES else _nothing(name)
    return found


def _count(name: str, n: int) -> Shown:
    return {"value": n, "count": n, "sum": n, "definition": _reference(name)}


def _nothing(name: str) -> Shown:
    value = None if name in ("happiness", "happiness.without_ok") else 0
    return {"value": value, "count": 0, "sum": 0, "definition": _reference(name)}


def _happiness(counts: Mapping[str, int]) -> dict[str, Shown]:
    good, ok, bad = (counts.get(f"happiness.{rating}", 0) for rating in ("good", "ok", "bad"))
    return {
        name: {"value": 100 * good / ratings, "count": ratings, "sum": good, "definition": _reference(name)}
        for name, ratings in (("happiness", good + ok + bad), ("happiness.without_ok", good + bad))
        if ratings
    }


def _duration(name: str, parts: Counts) -> Shown:
    """Mean, median and p90 in seconds; `n` were measured, `s` seconds in all."""
    n, total = parts.get("n", 0), parts.get("s", 0)
    shown = {"value": total / n if n else None, "count": n, "sum": total, "definition": _reference(name)}
    buckets = [(int(part), filled) for part, filled in parts.items() if part not in ("n", "s")]
    if n:
        shown["median"], shown["p90"] = percentiles(buckets, 50, 90)
    return shown


@lru_cache(1_000)
def _reference(name: str) -> str:
    definition = definition_of(name)
    assert definition is not None, name
    return definition.reference


def percentages(counts: Sequence[int]) -> list[int]:
    """Whole percentages that add up to 100, by largest remainder; of equal ones the first is rounded up."""
    total = sum(counts)
    if not total:
        return [0] * len(counts)
    shares = [100 * n // total for n in counts]
    by_remainder = sorted(range(len(counts)), key=lambda i: (-(100 * counts[i] % total), i))
    for i in by_remainder[: 100 - sum(shares)]:
        shares[i] += 1
    return shares


def summed(counters: Iterable[Mapping[str, int]]) -> dict[str, int]:
    """The counters of several as one."""
    found: defaultdict[str, int] = defaultdict(int)
    for each in counters:
        for counter, n in each.items():
            found[counter] += n
    return found


def encoded(document: Mapping[str, Any]) -> bytes:
    """A document of `bus.figures.CustomerMetrics`, given as its fields, as it stands on the topic."""
    return to_json(document)


def parsed(found: Mapping[str, Mapping[str, Any]]) -> dict[str, Figure]:
    """The same figures as values of the wire's model."""
    return {name: Figure(**shown) for name, shown in found.items()}
