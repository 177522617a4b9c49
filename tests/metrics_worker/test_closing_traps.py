"""Traps in the definitions of open, closed and resolution times, each a test named after it."""

from bus.ticket_event import Actor
from tests.metrics_worker.counted_twice import HOUR, MIN, figures, numbers, of
from tests.metrics_worker.histories import Ticket


def test_closing_after_thanks() -> None:
    ticket = Ticket().mail(0).answered(5).closed(5).message(60).reopened(60).closed(65)
    found = numbers(ticket)
    assert of(found["response_time.calendar"]) == (1, 5 * MIN)
    assert of(found["resolution_time.calendar"]) == (1, 10 * MIN)
    assert "closed_silently" not in found


def test_close_and_reopen_within_seconds_by_an_auto_reply() -> None:
    ticket = Ticket().mail(0).answered(5).closed(10)
    ticket.message(10.1, automation="auto_reply").reopened(10.1)
    assert figures(ticket)["open"] == 1
    assert "resolution_time.calendar" not in figures(ticket)
    assert of(numbers(ticket.closed(10.2))["resolution_time.calendar"]) == (1, 10 * MIN + 6)


def test_merged_secondary_closed_in_0_minutes() -> None:
    survivor = Ticket("a", 1).mail(0)
    absorbed = Ticket("b", 2, "bob").mail(30).closed(30).merged(30, "a")
    assert "first_resolution_time.calendar" not in figures(survivor, absorbed)
    found = numbers(survivor.answered(60).closed(60), absorbed)
    assert of(found["first_resolution_time.calendar"]) == (1, HOUR)


def test_duplicate_close_events() -> None:
    once = Ticket().mail(0).answered(2).closed(5)
    assert numbers(Ticket().mail(0).answered(2).closed(5).closed(6)) == numbers(once)


def test_row_per_close_counts_a_reopened_ticket_twice() -> None:
    found = figures(Ticket().mail(0).answered(1).closed(5).reopened(6).closed(7).reopened(8).closed(9))
    names = ("total", "closed", "reopened", "resolution_time.calendar", "first_resolution_time.calendar")
    assert [found[name] for name in names] == [1] * 5


def test_updated_at_used_as_close_time() -> None:
    ticket = Ticket().mail(0).answered(2).closed(5)
    changed = numbers(Ticket().mail(0).answered(2).closed(5).add("ticket.updated", 90, actor="agent", fields={}))
    assert changed == numbers(ticket)


def test_closing_by_customer_or_rule_is_no_first_resolution() -> None:
    for by in ("customer", "rule"):
        ticket = Ticket().mail(0).answered(4).closed(5, by)
        assert "first_resolution_time.calendar" not in figures(ticket)
        assert of(numbers(ticket)["resolution_time.calendar"]) == (1, 5 * MIN)


def test_actor_of_a_close_is_enough_to_say_that_an_agent_did_it() -> None:
    ticket = Ticket().mail(0).answered(4).closed(5, "rule")
    event = ticket.events[-1].model_copy(update={"actor": Actor(kind="agent", id="sam"), "data": {}})
    ticket.events[-1] = event
    assert figures(ticket)["first_resolution_time.calendar"] == 1


def test_closing_and_reopening_within_seconds() -> None:
    assert figures(Ticket().mail(0).closed(5).reopened(5))["open"] == 1
    assert figures(Ticket().mail(0).closed(5).reopened(5).closed(5))["closed"] == 1


def test_reopening_by_a_mail_with_an_older_date_leaves_it_open() -> None:
    assert figures(Ticket().mail(0).closed(10).message(4).reopened(4))["open"] == 1


def test_status_changes_other_than_closing_leave_it_open() -> None:
    held = Ticket().mail(0).add("ticket.status_changed", 3, old="open", new="on_hold")
    assert figures(held)["open"] == 1


def test_closing_by_a_change_of_status() -> None:
    ended = Ticket().mail(0).add("ticket.status_changed", 3, old="open", new="closed")
    assert figures(ended)["closed"] == 1
