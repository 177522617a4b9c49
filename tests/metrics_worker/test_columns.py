"""Counters as they are stored: the same sums are the same texts, whichever way they came about."""

from hypothesis import given
from hypothesis import strategies as st

from metrics_worker.columns import NOTHING, Columns, apart

_NAMES = st.sampled_from(
    ["total", "by_channel.ünd", "unanswered:since"]
    + [f"{figure}:{part}" for figure in ("response_time.calendar", "resolution_time.business") for part in "ns3"]
)
_COUNTERS = st.dictionaries(_NAMES, st.integers(-3, 3))


@given(_COUNTERS, _COUNTERS)
def test_what_is_added_to_is_stored_as_the_sum_is(first: dict[str, int], delta: dict[str, int]) -> None:
    total = {name: first.get(name, 0) + delta.get(name, 0) for name in first | delta}
    stored, whole = Columns.of(first).plus(*apart(delta)), Columns.of(total)
    assert stored.counts == whole.counts
    if stored.durations is None:
        assert not any(name in delta for name in total if name.startswith("res")), "left as they were"
    else:
        assert stored.durations == (whole.durations or NOTHING)
    assert whole.counters == {name: n for name, n in total.items() if n}


@given(_COUNTERS)
def test_durations_stand_under_the_name_of_their_figure_once(counters: dict[str, int]) -> None:
    _, durations = Columns.of(counters).parts
    assert all(":" not in name and parts and 0 not in parts.values() for name, parts in durations.items())
