"""Traps in the definitions of response times, each a test named after it, and the worked example."""

from datetime import UTC, datetime

from tests.metrics_worker.counted_twice import HOUR, MIN, figures, numbers, of
from tests.metrics_worker.histories import Ticket
from tests.metrics_worker.oracle import Number

FRIDAY = datetime(2026, 3, 6, 16, 30, tzinfo=UTC)


def worked_example() -> Ticket:
    """Minutes after Friday 16:30."""
    hour, day = 60, 24 * 60
    monday, tuesday = 2 * day + 7 * hour + 30, 3 * day + 7 * hour + 30  # midnights
    ticket = Ticket(begin=FRIDAY).mail(0)
    ticket.add("ticket.confirmed", 1, reply_id="c").add("ticket.delivery_updated", 1, reply_id="c", state="sent")
    ticket.message(monday - day - 14 * hour)
    ticket.add("ticket.commented", monday + 9 * hour + 15, actor="agent", comment_id="n")
    ticket.answered(monday + 9 * hour + 30).answered(monday + 9 * hour + 40)
    ticket.message(monday + 11 * hour).message(monday + 11 * hour + 5, automation="out_of_office")
    ticket.answered(monday + 12 * hour).closed(monday + 12 * hour)
    ticket.message(tuesday + 10 * hour).reopened(tuesday + 10 * hour)
    return ticket.closed(tuesday + 10 * hour + 10)


def test_worked_example_to_the_second_on_both_clocks() -> None:
    found = numbers(worked_example(), key="contact:anna")
    assert of(found["first_response_time.calendar"]) == (1, 65 * HOUR)
    assert of(found["first_response_time.business"]) == (1, 1 * HOUR)
    assert of(found["response_time.calendar"]) == (2, 66 * HOUR)
    assert of(found["response_time.business"]) == (2, 2 * HOUR)
    assert of(found["next_response_time.calendar"]) == of(found["next_response_time.business"]) == (1, HOUR)
    assert of(found["first_resolution_time.calendar"]) == (1, 67 * HOUR + 30 * MIN)
    assert of(found["first_resolution_time.business"]) == (1, 3 * HOUR + 30 * MIN)
    assert of(found["resolution_time.calendar"]) == (1, 67 * HOUR + 40 * MIN)
    assert of(found["resolution_time.business"]) == (1, 3 * HOUR + 40 * MIN)
    assert figures(worked_example())["messages_by_channel.email"] == 4


def test_confirmation_or_bot_counted_as_first_response() -> None:
    plain = numbers(Ticket().mail(0))
    confirmed = Ticket().mail(0).add("ticket.confirmed", 1, reply_id="r").delivery(2, "sent", "r")
    assert numbers(confirmed) == plain
    assert numbers(Ticket().mail(0).add("ticket.confirmation_suppressed", 1, reason="capped")) == plain
    for machine in ("rule", "system"):
        bot = Ticket().mail(0).replied(3, "bot", "b", actor=machine).delivery(4, "sent", "b")
        assert numbers(bot) == plain


def test_customers_out_of_office_opens_a_wait() -> None:
    away = Ticket().mail(0).answered(10).message(11, automation="out_of_office")
    assert "open_awaiting_agent" not in figures(away)
    assert of(numbers(away.answered(60))["response_time.calendar"]) == (1, 10 * MIN)
    assert "unanswered" not in figures(Ticket().opened(0).message(0, automation="out_of_office"))


def test_note_or_status_change_counted_as_response() -> None:
    ticket = Ticket().mail(0).add("ticket.commented", 5, actor="agent", comment_id="c")
    ticket.add("ticket.status_changed", 6, actor="agent", old="open", new="on_hold")
    assert "first_response_time.calendar" not in figures(ticket)
    assert figures(ticket)["unanswered"] == 1


def test_late_mail_with_an_older_date_gives_a_negative_time() -> None:
    found = numbers(Ticket().mail(10).answered(20).message(4))
    assert of(found["first_response_time.calendar"]) == (1, 16 * MIN)
    # the customer's clock is fast: an answer is not earlier than its question, and is one all the same
    assert of(numbers(Ticket().mail(5).answered(2))["first_response_time.calendar"]) == (1, 0)
    assert of(numbers(Ticket().mail(5).closed(2))["first_resolution_time.calendar"]) == (1, 0)


def test_response_is_dated_by_the_first_receipt_that_it_was_sent() -> None:
    ticket = Ticket().mail(0).replied(5).delivery(6, "queued").delivery(7, "deferred")
    assert "first_response_time.calendar" not in figures(ticket)
    assert of(numbers(ticket.delivery(9, "sent").delivery(11, "sent"))["response_time.calendar"]) == (1, 9 * MIN)


def test_processing_time_after_an_outage() -> None:
    late = Ticket().mail(0).answered(7)
    plain = numbers(late)
    hour = late.events[0].recorded_at.replace(hour=23)
    late.events = [event.model_copy(update={"recorded_at": hour}) for event in late.events]
    assert numbers(late) == plain


def test_two_customer_messages_before_one_answer() -> None:
    found = numbers(Ticket().mail(0).message(30).answered(40))
    assert of(found["response_time.calendar"]) == (1, 40 * MIN)
    assert "next_response_time.calendar" not in found


def test_two_answers_in_a_row() -> None:
    assert of(numbers(Ticket().mail(0).answered(4).answered(9))["response_time.calendar"]) == (1, 4 * MIN)


def test_reply_that_bounced() -> None:
    ticket = Ticket().mail(0).answered(5).delivery(6, "bounced")
    assert figures(ticket) == figures(Ticket().mail(0))
    assert of(numbers(ticket.answered(20))["first_response_time.calendar"]) == (1, 20 * MIN)


def test_agent_created_ticket() -> None:
    ticket = Ticket().opened(0, "email", manual=True).answered(5)
    assert "first_response_time.calendar" not in figures(ticket)
    assert "unanswered" not in figures(ticket)
    found = numbers(ticket.message(20).answered(50))
    assert of(found["first_response_time.calendar"]) == (1, 30 * MIN)


def test_phone_ticket() -> None:
    """Opened during the call: 0, live; what is said later waits like anything else."""
    call = Ticket().opened(10, "phone", manual=True).message(9, "phone")
    found = numbers(call)
    assert of(found["first_response_time.calendar"]) == of(found["first_response_time.business"]) == (1, 0)
    assert "open_awaiting_agent" not in found
    later = numbers(call.message(20).answered(32))
    assert of(later["first_response_time.calendar"]) == (1, 0)
    assert of(later["next_response_time.calendar"]) == (1, 12 * MIN)


def test_mean_of_means() -> None:
    """An account's mean is of all its responses, not of its contacts' means."""
    anna = Ticket("a", 1, "anna", "acme").mail(0).answered(10)
    bob = [Ticket(f"b{n}", n, "bob", "acme").mail(0).answered(1) for n in (2, 3, 4)]
    found = numbers(anna, *bob, key="account:acme")["first_response_time.calendar"]
    assert found.sum / found.count == 13 * MIN / 4


def test_unanswered_tickets_make_first_response_look_better() -> None:
    found = numbers(Ticket("a", 1).mail(0).answered(10), Ticket("b", 2).mail(0))
    assert of(found["first_response_time.calendar"]) == (1, 10 * MIN)
    assert found["unanswered"].count == 1
    assert figures(Ticket("b", 2).mail(0).closed(5))["closed_silently"] == 1


def test_ticket_and_reply_both_out_of_hours() -> None:
    saturday = datetime(2026, 3, 7, 10, tzinfo=UTC)
    found = numbers(Ticket(begin=saturday).mail(0).answered(90))
    assert found["first_response_time.business"] == Number(1, 0, 0, 0)
    assert of(found["first_response_time.calendar"]) == (1, 90 * MIN)
