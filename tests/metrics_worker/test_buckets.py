"""Logarithmic buckets: fixed edges, percentiles that can be added and taken away."""

from hypothesis import given
from hypothesis import strategies as st

from metrics_worker.buckets import bucket_of, middle_of, percentiles


def test_edges_are_these() -> None:
    edges = [s for s in range(1, 200) if bucket_of(s) != bucket_of(s - 1)]
    assert edges == [*range(1, 16), *range(16, 32, 2), *range(32, 64, 4), *range(64, 128, 8), *range(128, 200, 16)]


@given(st.integers(0, 10**10))
def test_middle_of_a_bucket_is_in_it_and_near(seconds: int) -> None:
    middle = middle_of(bucket_of(seconds))
    assert bucket_of(middle) == bucket_of(seconds)
    assert abs(middle - seconds) <= 0.063 * seconds
    assert bucket_of(seconds + 1) - bucket_of(seconds) in (0, 1)


def test_nearest_rank() -> None:
    counts = [(bucket_of(s), 1) for s in (1, 2, 3, 4, 5, 6, 7, 8, 9, 10)]
    assert percentiles(counts, 50, 90) == [5, 9]
    assert percentiles(reversed(counts), 100, 1) == [10, 1]
    assert percentiles([(3, 0)], 50, 90) == [None, None]
    assert percentiles([(3, 1)], 90) == [3]
