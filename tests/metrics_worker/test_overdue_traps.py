"""Traps in the definitions of overdue and breached, each a test named after it."""

from tests.metrics_worker.counted_twice import figures
from tests.metrics_worker.histories import Ticket


def test_due_time_moved_by_hand_priority_or_on_hold() -> None:
    ticket = Ticket().mail(0).due(0, 60).overdue(61, 60)
    assert (figures(ticket)["overdue_now"], figures(ticket)["breached_ever"]) == (1, 1)
    moved = ticket.due(70, 300)
    assert "overdue_now" not in figures(moved)
    assert figures(moved)["breached_ever"] == 1
    assert "overdue_now" not in figures(moved.overdue(71, 60)), "the clock had looked before it was moved"
    assert "overdue_now" not in figures(moved.due(72, None))


def test_overdue_changes_without_any_event() -> None:
    """The clock emits one: nothing changes before it."""
    due = Ticket().mail(0).due(0, 60)
    assert "overdue_now" not in figures(due)
    assert figures(due.overdue(3_000, 60))["overdue_now"] == 1
    assert "overdue_now" not in figures(Ticket().mail(0))


def test_closed_late_is_breached_and_not_overdue() -> None:
    late = Ticket().mail(0).due(0, 60).overdue(61, 60).answered(70).closed(70)
    assert "overdue_now" not in figures(late)
    assert figures(late)["breached_ever"] == 1
    unseen = figures(Ticket().mail(0).due(0, 60).answered(70).closed(70))
    assert unseen["breached_ever"] == 1, "the clock had not looked yet"
    assert "breached_ever" not in figures(Ticket().mail(0).due(0, 60).answered(50).closed(50))


def test_response_in_time_meets_the_clock_that_waits_for_it() -> None:
    ticket = Ticket().mail(0).due(0, 60, "first_response").answered(50).closed(90)
    assert "breached_ever" not in figures(ticket)
    late = Ticket().mail(0).due(0, 60, "first_response").overdue(60, 60, "first_response").answered(80)
    assert "overdue_now" not in figures(late)
    assert figures(late)["breached_ever"] == 1


def test_merged_or_spam_ticket_still_overdue() -> None:
    survivor = Ticket("a", 1).mail(0)
    absorbed = Ticket("b", 2).mail(1).due(1, 60).merged(9, "a").overdue(61, 60)
    assert not {"overdue_now", "breached_ever"} & figures(survivor, absorbed).keys()
    spam = Ticket().mail(0).due(0, 60).overdue(61, 60).add("ticket.spam_marked", 70)
    assert figures(spam) == {}
