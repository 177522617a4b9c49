"""Traps in what counts as a ticket or a customer's message, and of which channel, each a test named after it."""

from bus.ticket_event import TicketEvent
from tests.metrics_worker.counted_twice import MIN, figures
from tests.metrics_worker.histories import Ticket
from tests.metrics_worker.in_memory import Memory


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


def test_customers_colleague_in_cc_counted_as_agent() -> None:
    ticket = Ticket().mail(0).message(5, third_party=True)
    assert figures(ticket)["messages_by_channel.email"] == 2
    assert figures(ticket)["unanswered"] == 1


def test_agent_writing_from_a_mail_client_counted_as_customer() -> None:
    ticket = Ticket().mail(0).answered(3).message(5, actor="agent")
    assert figures(ticket)["messages_by_channel.email"] == 1
    assert "open_awaiting_agent" not in figures(ticket)


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


def test_list_mail_opens_a_ticket_and_is_no_customers_message() -> None:
    found = figures(Ticket().opened(0).message(0, automation="list"))
    assert found == {"total": 1, "open": 1, "open_awaiting_agent": 1, "by_channel.email": 1}


def test_late_mail_with_an_older_date_decides_the_channel() -> None:
    assert figures(Ticket().mail(10, "chat").message(4, "email"))["by_channel.email"] == 1


def test_ticket_that_an_agent_opened_counts_by_the_channel_of_its_opening() -> None:
    found = figures(Ticket().opened(0, "phone", manual=True).message(9, "email"))
    assert (found["by_channel.phone"], found["messages_by_channel.email"]) == (1, 1)
    assert "by_channel.email" not in found


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
