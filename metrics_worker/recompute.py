"""The figures from nothing but events, or nothing but facts. Pure."""

from collections import defaultdict
from collections.abc import Mapping

from metrics_worker.contribution import MetricKey, contribution
from metrics_worker.facts import TicketFacts
from metrics_worker.groups import groups_of


def counters_of(tickets: Mapping[str, TicketFacts]) -> dict[MetricKey, int]:
    """Every counter that is not 0, from the facts of all tickets."""
    found: defaultdict[MetricKey, int] = defaultdict(int)
    for group in groups_of(tickets).values():
        for key, n in contribution(group).items():
            found[key] += n
    return {key: n for key, n in found.items() if n}
