"""The checker itself is checked: each kind of difference is found."""

from bus.record import Received
from metrics_worker import compare
from metrics_worker.contacts import ContactFacts
from metrics_worker.contribution import CELL
from metrics_worker.facts import TicketFacts
from metrics_worker.figures import encoded, figures
from metrics_worker.fold import fold
from metrics_worker.publishing import definitions
from metrics_worker.recompute import recomputed
from tests.metrics_worker.histories import Ticket, as_read

ANNA = "contact:anna"


def facts_of(ticket: Ticket) -> dict[str, TicketFacts]:
    facts = None
    for event in as_read(ticket.events):
        facts = fold(facts, event)
    assert facts is not None
    return {ticket.id: facts}


def shown(revision: int, **counters: int) -> dict[str, object]:
    as_of: dict[str, object] = {"offsets": {}, "at": None}
    found = figures(counters)
    return {"kind": "customer.metrics.v1", "key": ANNA, "as_of": as_of, "revision": revision, "figures": found}


def published(revision: int, key: str = ANNA, **counters: int) -> Received:
    return Received("customers.metrics", 0, 0, key, encoded(shown(revision, **counters) | {"key": key}), 0)


def test_wrong_counter_is_found() -> None:
    [found] = compare.counted({ANNA: {"total": 2}}, {ANNA: {"total": 3}}, "events")
    assert (found.check, found.subject, found.expected, found.found) == (
        "counters",
        "contact:anna total",
        "2 by events",
        "3",
    )
    assert compare.counted({ANNA: {"total": 2}}, {}, "facts")
    assert compare.counted({}, {ANNA: {"total": 1}}, "facts")
    assert compare.counted({ANNA: {"total": 2}}, {ANNA: {"total": 2}, "contact:bob": {}}, "facts") == []


def test_wrong_day_is_found() -> None:
    right = recomputed(facts_of(Ticket().mail(0)))
    days = {f"{key} day {day}": dict(found) for (key, day), found in right.days.items()}
    assert compare.all_counters(right, right.deltas, days, "events") == []
    days[next(iter(days))]["total"] = 7
    assert [each.check for each in compare.all_counters(right, right.deltas, days, "events")] == ["counters"]


def test_mark_that_is_not_what_the_facts_say_is_found() -> None:
    waiting, closed = Ticket("w", 1).mail(0), Ticket("c", 2).mail(0).closed(5)
    right = recomputed(facts_of(waiting) | facts_of(closed))
    found = {row.root_id: compare.FoundBy(*row.facts[3:7], row.marks) for row in right.tickets}
    found["c"] = compare.FoundBy(None, None, None, None, found["c"].marks)
    assert compare.marks(right, found) == []
    late = found["w"].marks._replace(waiting_since=1)
    for wrong in (
        {"w": found["w"]},
        found | {"w": found["w"]._replace(marks=late)},
        found | {"w": found["w"]._replace(contact_id="bob")},
        found | {"x": found["c"]},
    ):
        assert [each.check for each in compare.marks(right, wrong)] == ["marks"]


def test_facts_that_are_not_those_of_the_events_are_found() -> None:
    right, wrong = facts_of(Ticket().mail(0)), facts_of(Ticket().mail(1))
    assert compare.facts(right, right) == []
    assert [each.check for each in compare.facts(right, wrong)] == ["facts"]
    assert compare.facts(right, {})[0].found == "nothing"
    anna = ContactFacts("anna", 2, merged_into="bob")
    assert compare.contacts({"anna": anna}, {"anna": anna, "bob": ContactFacts("bob", 0)}) == []
    assert compare.contacts({"anna": anna}, {})[0].found == "nothing"
    assert compare.contacts({}, {"anna": anna})[0].expected == "nothing"


def test_total_that_is_not_open_and_closed_is_found() -> None:
    right = {"total": 2, "open": 1, "closed": 1}
    assert compare.totals({ANNA: right}) == []
    assert [each.subject for each in compare.totals({ANNA: right | {"total": 3}})] == [ANNA]


def test_team_that_is_not_the_sum_of_its_agents_is_found() -> None:
    parts = {f"team:a{CELL}agent:sam": {"total": 1}, f"team:a{CELL}agent:": {"total": 1}}
    assert compare.teams({"team:a": {"total": 2}, **parts}) == []
    assert [each.check for each in compare.teams({"team:a": {"total": 3}, **parts})] == ["team"]
    assert [each.check for each in compare.teams(parts)] == ["team"]


def test_published_document_that_is_not_what_is_stored_is_found() -> None:
    stored = {ANNA: shown(4, total=2)}
    right = {ANNA: published(4, total=2)}
    assert compare.published(stored, right) == []
    for wrong in (
        {},
        {ANNA: published(4, total=3)},
        {ANNA: published(3, total=2)},
        {ANNA: published(4, key="contact:bob", total=2)},
        right | {"contact:bob": published(1, key="contact:bob", total=1)},
        right | {"definitions": published(1, key="definitions")},
    ):
        assert [each.check for each in compare.published(stored, wrong)] == ["published"]
    whole = Received("customers.metrics", 0, 0, "definitions", encoded(definitions()), 0)
    assert compare.published(stored, right | {"definitions": whole}) == []


def test_recomputation_counts() -> None:
    assert recomputed(facts_of(Ticket().mail(0))).deltas[ANNA]["total"] == 1
