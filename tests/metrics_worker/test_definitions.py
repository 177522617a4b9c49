"""Every number that is counted has a definition, and every definition says what it counts."""

from hypothesis import given, settings

from bus.figures import AsOf
from bus.message import CHANNELS
from bus.ticket_event import TicketEvent
from metrics_worker.definitions import ALWAYS, DEFINITIONS, definition_of
from metrics_worker.figures import document
from tests.metrics_worker.histories import histories
from tests.metrics_worker.in_memory import Memory


@settings(max_examples=30, deadline=None)
@given(histories())
def test_every_counter_has_a_definition(history: list[list[TicketEvent]]) -> None:
    memory = Memory()
    for events in history:
        memory.settle(events)
    assert all(definition_of(key.figure) for key in memory.counters)


def test_definitions_are_whole() -> None:
    assert len({definition.id for definition in DEFINITIONS}) == len(DEFINITIONS)
    for definition in DEFINITIONS:
        assert definition.version >= 1
        assert definition.name
        assert definition.unit in ("tickets", "messages")
        assert "spam" in definition.counts


def test_ids_are_known_whole_or_not_at_all() -> None:
    assert all(definition_of(f"by_channel.{channel}") for channel in CHANNELS)
    for unknown in ("", "total.email", "by_channel", "by_channel.", "happyness"):
        assert definition_of(unknown) is None


def test_document_names_definitions_and_leaves_out_zeros() -> None:
    made = document(
        "contact:anna", 3, {"total": 2, "open": 0, "closed": 2, "by_channel.email": 2, "by_channel.x": 0}, AsOf()
    )
    assert list(made.figures) == [*ALWAYS, "by_channel.email"]
    assert made.figures["by_channel.email"].definition == "by_channel@1"
    assert (made.figures["open"].value, made.figures["closed"].value) == (0, 2)
