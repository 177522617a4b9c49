"""Every number that is counted has a definition, and every definition says what it counts."""

import tomllib
from pathlib import Path
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from bus.figures import CustomerMetrics
from bus.message import CHANNELS
from bus.ticket_event import TicketEvent
from metrics_worker import wording
from metrics_worker.definitions import ALWAYS, DEFINITIONS, LANGUAGES, definition_of, shared_by, texts
from metrics_worker.figures import EVERY, encoded, figures, parsed, percentages
from tests.metrics_worker.histories import Ticket, histories
from tests.metrics_worker.in_memory import Memory


@settings(max_examples=30, deadline=None)
@given(histories())
def test_every_counter_has_a_definition(history: list[list[TicketEvent]]) -> None:
    memory = Memory()
    for events in history:
        memory.settle(events)
    for key in memory.keys:
        for name, figure in memory.document(key).items():
            definition = definition_of(name)
            assert definition is not None, name
            assert figure["definition"] == definition.reference


def test_definitions_are_whole() -> None:
    assert len({definition.id for definition in DEFINITIONS}) == len(DEFINITIONS)
    for definition in DEFINITIONS:
        text = texts()[definition.reference]
        assert (text.id, text.version, text.unit) == (definition.id, definition.version, definition.unit)
        assert set(text.name) == set(text.description) == set(LANGUAGES)
        assert all(text.name.values())
        assert len(set(text.description.values())) == len(LANGUAGES)


def test_wording_says_nothing_of_figures_that_are_not_there() -> None:
    for language in LANGUAGES:
        table = tomllib.loads((Path(wording.__file__).parent / f"{language}.toml").read_text("utf-8"))
        assert set(table["figures"]) == {definition.id for definition in DEFINITIONS}
        assert set(table["shared"]) == {name for each in DEFINITIONS for name in shared_by(each)}
        assert list(table["figures"]) == [definition.id for definition in DEFINITIONS]


def test_ids_are_known_whole_or_not_at_all() -> None:
    assert all(definition_of(f"by_channel.{channel}") for channel in CHANNELS)
    for unknown in (
        "",
        "total.email",
        "by_channel",
        "by_channel.",
        "happyness",
        "response_time",
        "response_time.lunar",
    ):
        assert definition_of(unknown) is None


def test_document_names_definitions_and_leaves_out_zeros() -> None:
    made = figures({"total": 2, "closed": 2, "by_channel.email": 2})
    assert list(made) == [*ALWAYS, "by_channel.email"]
    assert made["by_channel.email"]["definition"] == "by_channel@1"
    assert (made["open"]["value"], made["closed"]["value"]) == (0, 2)
    whole = figures({"total": 2, "closed": 2, "by_channel.email": 2}, every=True)
    assert set(whole) == {*EVERY, "by_channel.email"}
    assert whole["happiness"]["value"] is None
    assert whole["reopened"] == {"value": 0, "count": 0, "sum": 0, "definition": "reopened@1"}


def test_percentages_add_up_to_100_by_largest_remainder() -> None:
    assert percentages([1, 1, 1]) == [34, 33, 33]
    assert percentages([2, 1]) == [67, 33]
    assert percentages([]) == []
    assert percentages([0, 0]) == [0, 0]
    assert percentages([999, 1]) == [100, 0]


@given(st.lists(st.integers(1, 10**9), min_size=1, max_size=8))
def test_percentages_are_less_than_one_off(counts: list[int]) -> None:
    shares = percentages(counts)
    assert sum(shares) == 100
    assert all(abs(share - 100 * n / sum(counts)) < 1 for share, n in zip(shares, counts, strict=True))


def test_figures_on_the_wire_are_those_of_the_model() -> None:
    memory = Memory()
    memory.settle(Ticket().mail(0).answered(5).closed(6).rated(9, "good").events)
    document: dict[str, Any] = {
        "kind": "customer.metrics.v1",
        "key": "desk",
        "as_of": {"offsets": {0: 6}, "at": None},
        "revision": 1,
    }
    document["figures"] = memory.document("desk")
    read = CustomerMetrics.from_json(encoded(document))
    assert read.figures == parsed(memory.document("desk"))
    mean = read.figures["first_response_time.calendar"]
    assert (mean.value, mean.count, mean.sum, mean.definition) == (300, 1, 300, "first_response_time@1")
    assert mean.median is not None
    assert abs(mean.median - 300) <= 300 * 0.063
