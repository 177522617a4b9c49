"""Counts of durations in logarithmic buckets with fixed edges: percentiles that add, subtract and recompute. Pure.

Seconds below 16 have a bucket each; above, every doubling is cut into eight equal parts: 16, 18, 20 … 30, 32, 36 …
"""

from bisect import bisect_left
from collections.abc import Iterable
from itertools import accumulate


def bucket_of(seconds: int) -> int:
    """The number of the bucket that a duration falls into."""
    if seconds < 16:
        return seconds
    doublings = seconds.bit_length() - 4
    return 8 * doublings + (seconds >> doublings)


def middle_of(bucket: int) -> int:
    """The whole second in the middle of a bucket, at most 6.3 % from anything in it."""
    if bucket < 16:
        return bucket
    doublings = bucket // 8 - 1
    begin = (bucket - 8 * doublings) << doublings
    return begin + ((1 << doublings) - 1) // 2


def percentiles(counts: Iterable[tuple[int, int]], *percents: int) -> list[int | None]:
    """The middles of the buckets that hold the durations of nearest rank; None when there are no durations.

    `counts`: (bucket, how many).
    """
    filled = sorted((bucket, n) for bucket, n in counts if n > 0)
    ranks = list(accumulate(n for _, n in filled))
    if not ranks:
        return [None] * len(percents)
    return [middle_of(filled[bisect_left(ranks, -(-ranks[-1] * percent // 100))][0]) for percent in percents]
