"""The traps of the figures' definitions that concern what is counted today, each a test named after it."""

from tests.metrics_worker.histories import Ticket
from tests.metrics_worker.in_memory import Memory
from tests.metrics_worker.oracle import count


def figures(*tickets: Ticket, key: str = "desk") -> dict[str, int]:
    memory = Memory()
    events = [event for ticket in tickets for event in ticket.events]
    memory.settle(events)
    assert memory.counted == count(events)
    return {figure: n for (whose, figure), n in memory.counted.items() if whose == key}


def test_confirmation_counts_as_nothing() -> None:
    plain = figures(Ticket().mail(0))
    confirmed = Ticket().mail(0).add("ticket.confirmed", 1, reply_id="r")
    confirmed.add("ticket.delivery_updated", 2, reply_id="r", state="sent")
    assert figures(confirmed) == plain
    assert figures(Ticket().mail(0).add("ticket.confirmation_suppressed", 1, reason="capped")) == plain


def test_customers_out_of_office_is_no_message_of_the_customer() -> None:
    found = figures(Ticket().mail(0).message(5, automation="out_of_office").message(6, automation="bounce"))
    assert found["messages_by_channel.email"] == 1


def test_list_mail_opens_a_ticket_and_is_no_customers_message() -> None:
    found = figures(Ticket().opened(0).message(0, automation="list"))
    assert found == {"total": 1, "open": 1, "by_channel.email": 1}


def test_agent_writing_from_a_mail_client_is_not_counted_as_customer() -> None:
    assert figures(Ticket().mail(0).message(5, actor="agent"))["messages_by_channel.email"] == 1


def test_customers_colleague_in_cc_is_not_counted_as_agent() -> None:
    assert figures(Ticket().mail(0).message(5, third_party=True))["messages_by_channel.email"] == 2


def test_late_mail_with_an_older_date_decides_the_channel() -> None:
    assert figures(Ticket().mail(10, "chat").message(4, "email"))["by_channel.email"] == 1


def test_ticket_that_an_agent_opened_counts_by_the_channel_of_its_opening() -> None:
    found = figures(Ticket().opened(0, "phone", manual=True).message(9, "email"))
    assert found == {"total": 1, "open": 1, "by_channel.phone": 1, "messages_by_channel.email": 1}


def test_closing_and_reopening_within_seconds() -> None:
    assert figures(Ticket().mail(0).closed(5).reopened(5))["open"] == 1
    assert figures(Ticket().mail(0).closed(5).reopened(5).closed(5))["closed"] == 1


def test_reopening_by_a_mail_with_an_older_date_leaves_it_open() -> None:
    assert figures(Ticket().mail(0).closed(10).message(4).reopened(4))["open"] == 1


def test_duplicate_close_events_count_once() -> None:
    assert figures(Ticket().mail(0).closed(5).closed(6)) == figures(Ticket().mail(0).closed(5))


def test_reopened_ticket_is_not_counted_twice() -> None:
    assert figures(Ticket().mail(0).closed(5).reopened(6).closed(7))["total"] == 1


def test_status_changes_other_than_closing_leave_it_open() -> None:
    held = Ticket().mail(0).add("ticket.status_changed", 3, old="open", new="on_hold")
    assert {figure: n for figure, n in _counted(held).items() if figure in ("open", "closed")} == {"open": 1}


def test_closing_by_a_change_of_status() -> None:
    ended = Ticket().mail(0).add("ticket.status_changed", 3, old="open", new="closed")
    assert {figure: n for figure, n in _counted(ended).items() if figure in ("open", "closed")} == {"closed": 1}


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


def test_time_of_processing_is_never_used() -> None:
    late = Ticket().mail(0)
    late.events = [
        event.model_copy(update={"recorded_at": event.recorded_at.replace(year=2030)}) for event in late.events
    ]
    assert figures(late) == figures(Ticket().mail(0))


def test_assigned_ticket_counts_for_its_agent_and_team_until_it_is_taken_away() -> None:
    ticket = Ticket().mail(0).add("ticket.assigned", 1, owner_id="sam", team_id="first")
    assert figures(ticket, key="agent:sam")["total"] == figures(ticket, key="team:first")["total"] == 1
    assert figures(ticket.add("ticket.assigned", 2, owner_id=None, team_id="first"), key="agent:sam") == {}


def _counted(ticket: Ticket) -> dict[str, int]:
    memory = Memory()
    memory.settle(ticket.events)
    return {figure: n for (whose, figure), n in memory.counted.items() if whose == "desk"}
