"""Folding one ticket's events."""

import pytest

from bus.errors import Invalid
from metrics_worker.event import decode
from metrics_worker.facts import TicketFacts
from metrics_worker.fold import fold
from tests.metrics_worker.histories import Ticket, as_read, received


def folded(ticket: Ticket) -> TicketFacts:
    facts = None
    for event in as_read(ticket.events):
        facts = fold(facts, event)
    assert facts is not None
    return facts


def test_known_versions_change_nothing() -> None:
    ticket = Ticket().mail(0).closed(5)
    facts = folded(ticket)
    for event in as_read(ticket.events):
        assert fold(facts, event) is facts


def test_gap_is_refused() -> None:
    events = as_read(Ticket().mail(0).closed(5).events)
    with pytest.raises(Invalid, match="event 3 follows 1"):
        fold(fold(None, events[0]), events[2])
    with pytest.raises(Invalid, match="event 2 follows 0"):
        fold(None, events[1])


def test_facts_are_sorted_by_event_time() -> None:
    facts = folded(Ticket().mail(10).message(3).message(12).message(5))
    assert [fact.at for fact in facts.facts] == sorted(fact.at for fact in facts.facts)
    assert facts.facts[0].kind == "customer_message"


def test_document_comes_back_as_it_was() -> None:
    ticket = Ticket(account="acme").mail(10).message(3).answered(12).due(13, 15).overdue(15, 15).closed(20)
    facts = folded(ticket.reopened(20).rated(20, "bad", words=True).merged(21, "other"))
    assert TicketFacts.from_json(facts.to_json()) == facts


def test_type_that_is_not_known_yet_moves_the_version_only() -> None:
    ticket = Ticket().mail(0)
    facts = folded(ticket)
    later = decode(received(ticket.rated(5, "good").events[-1].model_copy(update={"type": "ticket.sung"})))
    assert fold(facts, later).facts == facts.facts
    assert fold(facts, later).version == 3


@pytest.mark.parametrize("value", [None, b"", b"[]", b"{}", b"\xff", b'{"version": "x"}'])
def test_what_is_no_event_is_invalid(value: bytes | None) -> None:
    record = received(Ticket().opened(0).events[0])
    from dataclasses import replace

    with pytest.raises(Invalid):
        decode(replace(record, value=value))


def test_no_event_type_of_today_is_refused() -> None:
    """An opening or a message without a channel is a fault of the desk, and parked rather than guessed."""
    broken = Ticket().opened(0).events[0].model_copy(update={"data": {}})
    with pytest.raises(Invalid, match="names no channel"):
        fold(None, as_read([broken])[0])
