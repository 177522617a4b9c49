"""The traps of the figures' definitions, each a test named after it; every figure is counted by hand as well."""

from datetime import UTC, datetime

from bus.ticket_event import Actor, TicketEvent
from tests.metrics_worker.histories import Contact, Ticket
from tests.metrics_worker.in_memory import Memory
from tests.metrics_worker.oracle import Number, count

HOUR, MIN = 3600, 60
FRIDAY = datetime(2026, 3, 6, 16, 30, tzinfo=UTC)


def numbers(*tickets: Ticket, key: str = "desk") -> dict[str, Number]:
    """All figures of a key that are not 0."""
    memory = Memory()
    events = [event for ticket in tickets for event in ticket.events]
    memory.settle(events)
    assert memory.counted == count(events)
    return {figure: number for (whose, figure), number in memory.counted.items() if whose == key}


def figures(*tickets: Ticket, key: str = "desk") -> dict[str, int]:
    """How many."""
    return {figure: number.count for figure, number in numbers(*tickets, key=key).items()}


def of(number: Number) -> tuple[int, int]:
    return number.count, number.sum


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


def test_closing_after_thanks() -> None:
    ticket = Ticket().mail(0).answered(5).closed(5).message(60).reopened(60).closed(65)
    found = numbers(ticket)
    assert of(found["response_time.calendar"]) == (1, 5 * MIN)
    assert of(found["resolution_time.calendar"]) == (1, 10 * MIN)
    assert "closed_silently" not in found


def test_reply_that_bounced() -> None:
    ticket = Ticket().mail(0).answered(5).delivery(6, "bounced")
    assert figures(ticket) == figures(Ticket().mail(0))
    assert of(numbers(ticket.answered(20))["first_response_time.calendar"]) == (1, 20 * MIN)


def test_customers_colleague_in_cc_counted_as_agent() -> None:
    ticket = Ticket().mail(0).message(5, third_party=True)
    assert figures(ticket)["messages_by_channel.email"] == 2
    assert figures(ticket)["unanswered"] == 1


def test_agent_writing_from_a_mail_client_counted_as_customer() -> None:
    ticket = Ticket().mail(0).answered(3).message(5, actor="agent")
    assert figures(ticket)["messages_by_channel.email"] == 1
    assert "open_awaiting_agent" not in figures(ticket)


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


def test_contact_moved_to_another_account() -> None:
    ticket = Ticket(account="old").mail(0)
    ticket.account = "new"
    ticket.message(5).answered(7)
    assert figures(ticket, key="account:old")["total"] == 1
    assert figures(ticket, key="account:new") == {}
    memory = Memory()
    anna = Contact().add("contact.created", account_id="old").add("contact.feedback_received", 1, message_id="m")
    anna.add("contact.moved", 2, account_id="new").add("contact.feedback_received", 3, message_id="n")
    memory.settle(ticket.events, anna.events)
    assert memory.counted == count(ticket.events, anna.events)
    assert [memory.counted[f"account:{name}", "feedback"].count for name in ("old", "new")] == [1, 1]


def test_ticket_and_reply_both_out_of_hours() -> None:
    saturday = datetime(2026, 3, 7, 10, tzinfo=UTC)
    found = numbers(Ticket(begin=saturday).mail(0).answered(90))
    assert found["first_response_time.business"] == Number(1, 0, 0, 0)
    assert of(found["first_response_time.calendar"]) == (1, 90 * MIN)


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


def test_last_rating_of_a_reply_wins_and_belongs_to_who_wrote_it() -> None:
    ticket = Ticket().mail(0).assigned(1, "kim", "first").answered(5, "sam", "r1").answered(9, "kim", "r2")
    ticket.rated(10, "bad", "r1", "kim").rated(12, "good", "r1", "kim", words=True).rated(11, "ok", "r1")
    ticket.rated(13, "ok", "r2", "kim")
    sam, kim = numbers(ticket, key="agent:sam"), numbers(ticket, key="agent:kim")
    assert sam == {name: Number(1, 1) for name in sam} and "happiness.good" in sam  # noqa: PT018
    assert (kim["happiness.ok"].count, kim["happiness"], kim["total"].count) == (1, Number(1, 0), 1)
    assert "happiness.without_ok" not in kim
    whole = numbers(ticket)
    assert (whole["happiness"], whole["happiness.words"]) == (Number(2, 1), Number(1, 1))


def test_erased_contact_keeps_its_counts() -> None:
    memory = Memory()
    memory.settle(Ticket().mail(0).events)
    before = memory.counted
    memory.settle([], Contact().add("contact.created").add("contact.erased", 5).events)
    assert memory.counted == before


def _moved(left: Ticket, right: Ticket, message: TicketEvent, at: int) -> None:
    id_ = message.data["message_id"]
    left.add("ticket.message_moved", at, message_id=id_, direction="out", ticket_id=right.id, number=right.number)
    right.add(
        "ticket.message_moved",
        at,
        message_id=id_,
        direction="in",
        ticket_id=left.id,
        number=left.number,
        channel="email",
        automation="human",
        occurred_at=message.occurred_at.isoformat(),
    )


def _settled(*tickets: Ticket) -> Memory:
    memory = Memory()
    memory.settle([event for ticket in reversed(tickets) for event in ticket.events])
    return memory


def test_message_moved_to_another_ticket_and_back() -> None:
    left, right = Ticket("a", 1, "anna").mail(0).message(5), Ticket("b", 2, "bob").mail(7)
    message = left.events[-1]
    _moved(left, right, message, 9)
    memory = _settled(left, right.answered(20))
    assert memory.counted["desk", "messages_by_channel.email"].count == 3
    assert memory.counted["contact:anna", "messages_by_channel.email"].count == 1
    assert memory.counted["contact:bob", "first_response_time.calendar"].sum == 15 * MIN
    _moved(right, left, message, 30)
    memory = _settled(left, right)
    assert memory.counted["contact:anna", "messages_by_channel.email"].count == 2
    assert memory.counted["contact:bob", "first_response_time.calendar"].sum == 13 * MIN


def test_message_moved_away_from_where_its_ticket_was_merged_into() -> None:
    survivor, absorbed = Ticket("a", 1, "anna").mail(0), Ticket("b", 2, "bob").mail(1).message(5)
    message = absorbed.events[-1]
    other = Ticket("c", 3, "cleo").mail(3)
    absorbed.merged(6, "a")
    _moved(survivor, other, message, 9)
    memory = _settled(survivor, absorbed, other)
    assert memory.counted["contact:anna", "messages_by_channel.email"].count == 2
    assert memory.counted["contact:cleo", "messages_by_channel.email"].count == 2
    other.merged(12, "a")
    assert _settled(survivor, absorbed, other).counted["desk", "messages_by_channel.email"].count == 4


def test_ticket_split_and_put_together_again() -> None:
    old, new = Ticket("a", 1).mail(0).message(5), Ticket("b", 2)
    message = old.events[-1]
    id_ = message.data["message_id"]
    old.add("ticket.split", 9, actor="agent", ticket_id="b", number=2, message_ids=[id_], wrong_ticket=False)
    new.opened(5).add(
        "ticket.message_moved",
        9,
        message_id=id_,
        direction="in",
        ticket_id="a",
        number=1,
        channel="email",
        automation="human",
        occurred_at=message.occurred_at.isoformat(),
    )
    memory = _settled(old, new)
    assert memory.counted["desk", "total"].count == memory.counted["desk", "messages_by_channel.email"].count == 2
    memory = _settled(old, new.merged(20, "a"))
    assert memory.counted["desk", "total"].count == 1
    assert memory.counted["desk", "messages_by_channel.email"].count == 2


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


def test_list_mail_opens_a_ticket_and_is_no_customers_message() -> None:
    found = figures(Ticket().opened(0).message(0, automation="list"))
    assert found == {"total": 1, "open": 1, "open_awaiting_agent": 1, "by_channel.email": 1}


def test_late_mail_with_an_older_date_decides_the_channel() -> None:
    assert figures(Ticket().mail(10, "chat").message(4, "email"))["by_channel.email"] == 1


def test_ticket_that_an_agent_opened_counts_by_the_channel_of_its_opening() -> None:
    found = figures(Ticket().opened(0, "phone", manual=True).message(9, "email"))
    assert (found["by_channel.phone"], found["messages_by_channel.email"]) == (1, 1)
    assert "by_channel.email" not in found


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


def test_merged_ticket_is_not_counted_and_its_close_closes_nothing() -> None:
    survivor, absorbed = Ticket("a", 1).mail(0), Ticket("b", 2, "bob").mail(1).closed(9).merged(9, "a")
    found = figures(survivor, absorbed)
    assert (found["total"], found["open"], found["messages_by_channel.email"]) == (1, 1, 2)
    assert figures(survivor, absorbed, key="contact:bob") == {}


def test_spam_ticket_counts_nowhere_until_it_is_unmarked() -> None:
    spam = Ticket().mail(0).add("ticket.spam_marked", 3)
    assert figures(spam) == {}
    assert figures(spam.add("ticket.spam_unmarked", 4)) == figures(Ticket().mail(0))


def test_spam_that_was_merged_adds_no_messages() -> None:
    survivor, spam = Ticket("a", 1).mail(5), Ticket("b", 2).mail(0, "chat").add("ticket.spam_marked", 1).merged(2, "a")
    assert figures(survivor, spam) == figures(Ticket("a", 1).mail(5))


def test_contact_moved_to_another_account_takes_no_ticket_along() -> None:
    moved = Ticket(account="old").mail(0)
    assert figures(moved, key="account:old")["total"] == 1


def test_requester_that_turns_out_to_be_another_takes_the_ticket_along() -> None:
    ticket = Ticket(contact="bob").mail(5)
    ticket.contact = "anna"
    ticket.message(1)
    assert figures(ticket, key="contact:bob") == {}
    assert figures(ticket, key="contact:anna")["messages_by_channel.email"] == 2


def test_assigned_ticket_counts_for_its_agent_and_team_until_it_is_taken_away() -> None:
    ticket = Ticket().mail(0).add("ticket.assigned", 1, owner_id="sam", team_id="first")
    assert figures(ticket, key="agent:sam")["total"] == figures(ticket, key="team:first")["total"] == 1
    assert figures(ticket.add("ticket.assigned", 2, owner_id=None, team_id="first"), key="agent:sam") == {}
