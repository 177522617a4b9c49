"""Traps in the question for whom something counts (contact, account, agent, team), each a test named after it."""

from tests.metrics_worker.counted_twice import figures, numbers
from tests.metrics_worker.histories import Contact, Ticket
from tests.metrics_worker.in_memory import Memory
from tests.metrics_worker.oracle import Number, count


def test_contact_moved_to_another_account() -> None:
    ticket = Ticket(account="old").mail(0)
    ticket.account = "new"
    ticket.message(5).answered(7)
    assert figures(ticket, key="account:old")["total"] == 1
    assert figures(ticket, key="account:new") == {}
    memory = Memory()
    anna = Contact().add("contact.created", account_id="old").add("contact.feedback_received", 1, message_id="m")
    anna.add("contact.moved", 2, to="new").add("contact.feedback_received", 3, message_id="n")
    memory.settle(ticket.events, anna.events)
    assert memory.counted == count(ticket.events, anna.events)
    assert [memory.counted[f"account:{name}", "feedback"].count for name in ("old", "new")] == [1, 1]


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


def test_contact_moved_to_another_account_takes_no_ticket_along() -> None:
    moved = Ticket(account="old").mail(0)
    assert figures(moved, key="account:old")["total"] == 1


def test_requester_that_turns_out_to_be_another_takes_the_ticket_along() -> None:
    ticket = Ticket(contact="bob").mail(5)
    ticket.contact = "anna"
    ticket.message(1)
    assert figures(ticket, key="contact:bob") == {}
    assert figures(ticket, key="contact:anna")["messages_by_channel.email"] == 2


def test_requester_of_another_account_takes_the_ticket_to_it() -> None:
    ticket = Ticket(account="acme").mail(5).add("ticket.updated", 6, fields={"account_id": ["acme", "other"]})
    assert figures(ticket, key="account:acme") == {}
    assert figures(ticket, key="account:other")["total"] == 1


def test_assigned_ticket_counts_for_its_agent_and_team_until_it_is_taken_away() -> None:
    ticket = Ticket().mail(0).add("ticket.assigned", 1, owner_id="sam", team_id="first")
    assert figures(ticket, key="agent:sam")["total"] == figures(ticket, key="team:first")["total"] == 1
    assert figures(ticket.add("ticket.assigned", 2, owner_id=None, team_id="first"), key="agent:sam") == {}
