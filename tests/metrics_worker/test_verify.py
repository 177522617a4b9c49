"""The checker itself is checked: each kind of difference is found."""

from bus.figures import AsOf
from bus.record import Received
from metrics_worker import verify
from metrics_worker.contribution import MetricKey
from metrics_worker.facts import TicketFacts
from metrics_worker.figures import document
from metrics_worker.fold import fold
from metrics_worker.recompute import counters_of
from tests.metrics_worker.histories import Ticket, as_read

TOTAL = MetricKey("contact:anna", "total")


def facts_of(ticket: Ticket) -> dict[str, TicketFacts]:
    facts = None
    for event in as_read(ticket.events):
        facts = fold(facts, event)
    assert facts is not None
    return {ticket.id: facts}


def published(key: str, revision: int, **counters: int) -> Received:
    value = document(key, revision, counters, AsOf()).to_json()
    return Received("customers.metrics", 0, 0, key, value, 0)


def test_wrong_counter_is_found() -> None:
    [found] = verify.compare_counters({TOTAL: 2}, {TOTAL: 3}, "events")
    assert (found.check, found.subject, found.expected, found.found) == (
        "counters",
        "contact:anna total",
        "2 by events",
        "3",
    )
    assert verify.compare_counters({TOTAL: 2}, {}, "facts")
    assert verify.compare_counters({}, {TOTAL: 1}, "facts")
    assert verify.compare_counters({TOTAL: 2}, {TOTAL: 2}, "facts") == []


def test_facts_that_are_not_those_of_the_events_are_found() -> None:
    right, wrong = facts_of(Ticket().mail(0)), facts_of(Ticket().mail(1))
    assert verify.compare_facts(right, right) == []
    assert [each.check for each in verify.compare_facts(right, wrong)] == ["facts"]
    assert verify.compare_facts(right, {})[0].found == "nothing"


def test_total_that_is_not_open_and_closed_is_found() -> None:
    right = {TOTAL: 2, MetricKey("contact:anna", "open"): 1, MetricKey("contact:anna", "closed"): 1}
    assert verify.totals(right) == []
    assert [each.subject for each in verify.totals(right | {TOTAL: 3})] == ["contact:anna"]


def test_published_document_that_is_not_what_is_stored_is_found() -> None:
    counters, revisions = {TOTAL: 2}, {"contact:anna": 4}
    right = {"contact:anna": published("contact:anna", 4, total=2)}
    assert verify.compare_published(counters, revisions, right) == []
    for wrong in (
        {},
        {"contact:anna": published("contact:anna", 4, total=3)},
        {"contact:anna": published("contact:anna", 3, total=2)},
        {"contact:anna": published("contact:bob", 4, total=2)},
        right | {"contact:bob": published("contact:bob", 1, total=1)},
    ):
        assert [each.check for each in verify.compare_published(counters, revisions, wrong)] == ["published"]


def test_recomputation_counts() -> None:
    assert counters_of(facts_of(Ticket().mail(0)))[TOTAL] == 1
