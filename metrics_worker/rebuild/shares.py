"""Who folds what: partitions are divided among processes. Pure."""

import os
import sys
from collections.abc import Mapping

from bus.record import Partition

WORTH = 75_000
"""Events for which it pays to start a process: starting one costs about a second of work, on another processor."""
_LATE = 30_000
"""Events that the first process has folded by the time another one has started."""


def processes_for(events: int, most: int | None = None, worth: int = WORTH) -> int:
    """How many processes fold so many events: at most one for each processor that we may use, or `most`."""
    most = _processors() if most is None else most
    return max(1, min(most, events // worth))


def _processors() -> int:
    return len(os.sched_getaffinity(0)) if sys.platform == "linux" else os.cpu_count() or 1


def shares(ends: Mapping[Partition, int], contacts_topic: str, processes: int) -> list[dict[Partition, int]]:
    """At most so many shares; contacts, who point at each other, are all in the first.

    `ends`: how many events each partition has. Each share has about as many, the first one some more.
    """
    late = min(_LATE, sum(ends.values()) // (2 * processes))
    found: list[dict[Partition, int]] = [{} for _ in range(processes)]
    found[0] = {where: end for where, end in ends.items() if where.topic == contacts_topic}
    loads = [sum(found[0].values()), *(processes - 1) * [late]]
    for where, end in sorted(ends.items(), key=lambda each: (-each[1], each[0])):
        if where.topic != contacts_topic:
            lightest = loads.index(min(loads))
            found[lightest][where] = end
            loads[lightest] += end
    return [found[0], *(share for share in found[1:] if share)]
