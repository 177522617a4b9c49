"""Tickets that an agent opens: for a caller, and of what was kept in no ticket."""

from datetime import timedelta
from typing import Any

import pytest

from bus.errors import Invalid
from bus.message import Author, Call, NormalizedMessage
from bus.reply import Reply
from bus.settings import DeskSettings
from tests.ticketing.by_hand import DESK, people
from tests.ticketing.filing.conftest import Desk
from tests.ticketing.filing.said import START, TOKENS, said
from ticketing.acts.desk import Desk as Settings
from ticketing.acts.errors import Forbidden
from ticketing.acts.operating import operator
from ticketing.acts.perform import perform_opening
from ticketing.acts.performed import Performed
from ticketing.acts.table import OPENING
from ticketing.confirm import Confirming
from ticketing.people.policy import Role, Who
from ticketing.policy import Policy

pytestmark = pytest.mark.stack
ANN = "ann@x.example"
PHONE = "+4930123456"
ANSWERED = Settings(Confirming(DeskSettings(reply_via={"phone": "support-mail"}), TOKENS), DESK.policy)


async def do(desk: Desk, name: str, key: str = "k1", who: Who | None = None, **given: object) -> Performed:
    kind = next(each for each in OPENING if each.name == name)
    at = START + timedelta(hours=1)
    wanted = kind.input.model_validate(given)
    return await perform_opening(desk.engine, kind, wanted, who or operator("agent-1"), desk=ANSWERED, key=key, now=at)


async def replies(desk: Desk) -> list[Reply]:
    return [Reply.from_json(row) for (row,) in await desk.rows("SELECT document FROM desk.outgoing ORDER BY id")]


async def contacts(desk: Desk) -> list[tuple[str, str, str]]:
    return await desk.rows(
        "SELECT c.name, i.value, i.strength FROM desk.identities i JOIN desk.contacts c ON c.id = i.contact_id "
        "ORDER BY i.value"
    )


async def test_a_new_caller_is_made_a_contact_and_the_ticket_is_its_makers(desk: Desk) -> None:
    caller = {"phone": "+49 30 / 123456", "email": ANN, "name": "Ann"}
    given: dict[str, Any] = {
        "contact": caller,
        "subject": "Pump",
        "text": "It is loud.",
        "priority": "high",
        "tags": ["pump"],
    }
    done = await do(desk, "open", **given)
    assert await desk.history(1) == ["opened", "message_received", "confirmed", "assigned", "updated"]
    document = done.document
    assert (document.channel, document.subject, document.priority) == ("phone", "Pump", "high")
    assert (document.owner_id, document.contact_name, document.counts.messages) == ("agent-1", "Ann", 1)
    assert done.events[0].data["manual"] is True
    assert {event.actor.kind for event in done.events} == {"agent", "system"}
    assert [found[1:] for found in await contacts(desk)] == [(PHONE, "agent"), (ANN, "agent")]
    [reply] = await replies(desk)
    assert (reply.purpose, reply.recipient.address, reply.account) == ("confirmation", ANN, "support-mail")
    assert "Pump" not in reply.text + (reply.subject or "")
    assert await desk.rows("SELECT type, version FROM desk.contact_events") == [("contact.created", 1)]
    again = await do(desk, "open", **given)
    assert again.document == document
    assert await desk.rows("SELECT count(*) FROM desk.tickets") == [(1,)]


async def test_a_known_caller_is_found_and_what_is_new_is_his(desk: Desk) -> None:
    await desk.file(said("a", ANN))
    done = await do(desk, "open", contact={"email": "ANN@X.example", "phone": PHONE}, subject="S", text="T")
    [(same,)] = await desk.rows("SELECT count(DISTINCT contact_id) FROM desk.tickets")
    assert same == 1
    assert [found[1] for found in await contacts(desk)] == [PHONE, ANN]
    assert await desk.rows("SELECT type, version FROM desk.contact_events ORDER BY id") == [
        ("contact.created", 1),
        ("contact.updated", 2),
    ]
    by_number = await do(desk, "open", "k2", contact={"phone": PHONE}, subject="S", text="T")
    assert by_number.document.contact_id == done.document.contact_id
    by_id = await do(desk, "open", "k3", contact={"id": done.document.contact_id}, subject="S", text="T")
    assert by_id.document.contact_id == done.document.contact_id


async def test_several_people_are_named(desk: Desk) -> None:
    await desk.file(said("a", ANN), said("b", "bob@x.example"))
    await do(desk, "open", contact={"email": ANN, "phone": PHONE}, subject="S", text="T")
    with pytest.raises(Invalid, match="several people"):
        await do(desk, "open", "k2", contact={"email": "bob@x.example", "phone": PHONE}, subject="S", text="T")


async def test_his_answer_to_the_confirmation_comes_into_the_ticket(desk: Desk) -> None:
    await do(desk, "open", contact={"email": ANN}, subject="S", text="T")
    [reply] = await replies(desk)
    await desk.file(said("a", ANN, str(reply.message_id)), said("b", ANN, token=reply.reply_token))
    assert await desk.rows("SELECT count(*), max(messages) FROM desk.tickets") == [(1, 3)]


async def test_without_an_address_the_reason_is_recorded_and_the_owner_may_be_another(desk: Desk) -> None:
    await people(desk.engine, "agent-2")
    done = await do(desk, "open", contact={"phone": PHONE}, subject="S", text="T", owner="agent-2")
    assert done.document.owner_id == "agent-2"
    suppressed = [event.data for event in done.events if event.type == "ticket.confirmation_suppressed"]
    assert suppressed == [{"reason": "no_way"}]
    nobodys = await do(desk, "open", "k2", contact={"phone": PHONE}, subject="S", text="T", owner=None, confirm=False)
    assert nobodys.document.owner_id is None
    assert nobodys.events[2].data == {"reason": "off"}


async def test_nobody_gets_more_confirmations_a_day_than_anybody(desk: Desk) -> None:
    for n in range(5):
        await do(desk, "open", f"k{n}", contact={"email": ANN}, subject="S", text="T")
    assert len(await replies(desk)) == 3
    reasons = await desk.rows(
        "SELECT document::json->'data'->>'reason' FROM desk.ticket_events WHERE type = 'ticket.confirmation_suppressed'"
    )
    assert reasons == [("capped",), ("capped",)]


def call(name: str) -> NormalizedMessage:
    """A call that somebody answered: no ticket comes of it by itself."""
    return said(name, subject=None).model_copy(
        update={
            "channel": "phone",
            "account": "pbx",
            "author": Author(kind="phone", address=PHONE, verified=True),
            "to": [],
            "call": Call(direction="in", state="ended", caller=PHONE, answered_by="agent-1", duration=61),
        }
    )


async def test_a_recorded_call_becomes_its_message(desk: Desk) -> None:
    await desk.file(call("c"))
    assert await desk.rows("SELECT ticket_id, aside FROM desk.messages") == [(None, "call")]
    done = await do(desk, "open", contact={"phone": PHONE, "name": "Ann"}, subject="S", text="T", call="id-c")
    assert done.document.counts.messages == 2
    assert await desk.rows("SELECT aside FROM desk.messages WHERE id = 'id-c'") == [(None,)]
    assert len((await desk.conversations())[0]) == 2
    with pytest.raises(Invalid, match="in ticket 1 already"):
        await do(desk, "open", "k2", contact={"phone": PHONE}, subject="S", text="T", call="id-c")


async def test_feedback_becomes_a_ticket_that_waits_for_an_answer_and_is_not_confirmed(desk: Desk) -> None:
    await desk.file(said("f", ANN).model_copy(update={"feedback_only": True}))
    assert await desk.conversations() == []
    done = await do(desk, "to-ticket", message="id-f")
    assert await desk.history(1) == ["opened", "message_received", "confirmation_suppressed"]
    assert [event.actor.kind for event in done.events] == ["agent", "customer", "system"]
    assert done.events[-1].data == {"reason": "by_hand"}
    assert await replies(desk) == []
    # what answers it joins it
    await desk.file(said("g", ANN, "f", at=5))
    assert await desk.conversations() == [{"f", "g"}]
    assert await desk.requesters() == [ANN]


async def test_a_machines_mail_becomes_a_ticket(desk: Desk) -> None:
    await desk.file(said("m", "robot@x.example", kind="system"))
    done = await do(desk, "to-ticket", message="<m@mail>")
    assert done.events[-1].data == {"reason": "machine"}
    assert done.document.counts.messages == 0
    with pytest.raises(Invalid, match="in ticket 1 already"):
        await do(desk, "to-ticket", "k2", message="id-m")


async def test_who_may_open_where(desk: Desk) -> None:
    await desk.rows_changed("INSERT INTO desk.departments (id, name, created_at) VALUES ('sales', 'Sales', now())")
    reader = Who("r", "R", frozenset({Role.READ_ONLY}))
    agent = Who("a", "A", frozenset({Role.AGENT}), departments=frozenset({"support"}))
    given: dict[str, Any] = {"contact": {"email": ANN}, "subject": "S", "text": "T"}
    with pytest.raises(Forbidden):
        await do(desk, "open", who=reader, **given)
    with pytest.raises(Forbidden):
        await do(desk, "open", who=agent, department="sales", **given)
    with pytest.raises(Invalid, match="no department"):
        await do(desk, "open", who=agent, department="elsewhere", **given)
    assert await desk.rows("SELECT count(*) FROM desk.tickets") == [(0,)]
    assert await desk.rows("SELECT count(*) FROM desk.contacts") == [(0,)]


async def test_another_departments_message_is_not_there(desk: Desk) -> None:
    await desk.file(said("f", ANN).model_copy(update={"feedback_only": True}))
    apart = Settings(ANSWERED.confirming, Policy(departments={"support-mail": "support"}))
    sales = Who("s", "S", frozenset({Role.AGENT}), departments=frozenset({"sales"}))
    kind = next(each for each in OPENING if each.name == "to-ticket")
    for message in ("id-f", "id-none"):
        with pytest.raises(Invalid, match=f"there is no message {message};"):
            await perform_opening(desk.engine, kind, kind.input(message=message), sales, desk=apart, key=message)
    assert await desk.conversations() == []


@pytest.mark.parametrize("contact", [{}, {"name": "Ann"}, {"phone": "030 123456"}, {"email": "a b"}, {"id": "no"}])
async def test_nobody_is_made_up(desk: Desk, contact: dict[str, str]) -> None:
    with pytest.raises((Invalid, ValueError)):
        await do(desk, "open", contact=contact, subject="S", text="T")
