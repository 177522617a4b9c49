"""What becomes of a conversation, on a real database: each test is one sentence of threading.md."""

import pytest

from bus.errors import Invalid
from bus.message import Chosen
from bus.record import Received
from tests.ticketing.filing.conftest import Desk
from tests.ticketing.filing.said import START, TOKENS, record, said

pytestmark = pytest.mark.stack
OPENED = ["opened", "message_received", "confirmed"]


async def test_a_first_mail_opens_a_ticket_and_is_confirmed(desk: Desk) -> None:
    await desk.file(said("a"))
    assert await desk.conversations() == [{"a"}]
    assert await desk.history(1) == OPENED
    assert await desk.requesters() == ["ann@x.example"]
    [(reply, state)] = await desk.rows("SELECT recipient, state FROM desk.replies")
    assert (reply, state) == ("ann@x.example", "queued")
    assert await desk.rows("SELECT attempt, channel FROM desk.outgoing") == [(1, "email")]
    assert await desk.rows("SELECT type FROM desk.contact_events") == [("contact.created",)]
    assert await desk.rows("SELECT next_offset FROM desk.progress") == [(1,)]


async def test_what_its_customer_chose_in_a_form_is_the_tickets_from_its_first_event_on(desk: Desk) -> None:
    urgent = said("a").model_copy(update={"chosen": Chosen(priority="urgent", category="billing")})
    await desk.file(urgent)
    await desk.file(said("b", "ann@x.example", "a").model_copy(update={"chosen": Chosen(priority="low")}))
    assert await desk.rows("SELECT priority, category FROM desk.tickets") == [("urgent", "billing")]
    [(opened,)] = await desk.rows(
        "SELECT document::jsonb -> 'data' FROM desk.ticket_events WHERE type = 'ticket.opened'"
    )
    assert (opened["priority"], opened["category"]) == ("urgent", "billing")
    assert await desk.history(1) == [*OPENED, "message_received"]


async def test_the_document_is_kept_as_it_came(desk: Desk) -> None:
    message = said("a", text="é \u2603 \\u0000 'quoted' \"twice\"", subject="nul \0 here")
    await desk.file(message)
    [(document, subject)] = await desk.rows("SELECT document, subject FROM desk.messages")
    assert document == message.to_json().decode()
    assert subject == "nul \ufffd here"


async def test_a_reply_joins_and_opens_nothing(desk: Desk) -> None:
    await desk.file(said("a"))
    await desk.file(said("b", "ann@x.example", "a", at=5))
    assert await desk.conversations() == [{"a", "b"}]
    assert await desk.history(1) == [*OPENED, "message_received"]
    [(match,)] = await desk.rows("SELECT match FROM desk.messages WHERE id = 'id-b'")
    assert match == {
        "rule": "own_reference",
        "confidence": "knowledge",
        "evidence": [["references", "a@mail"]],
        "tried": [["reply_token", "it carries no token"]],
    }


async def test_a_colleague_who_was_addressed_is_no_third_party_and_a_stranger_is(desk: Desk) -> None:
    await desk.file(said("a", to=["support@desk.example", "Bob@x.example"]))
    await desk.file(said("b", "bob@X.example", "a"), said("c", "eve@y.example", "a"))
    assert await desk.conversations() == [{"a", "b", "c"}]
    parties = await desk.rows("SELECT id, third_party FROM desk.messages ORDER BY id")
    assert parties == [("id-a", False), ("id-b", False), ("id-c", True)]


async def test_an_answer_to_our_confirmation_joins_by_its_message_id_and_by_its_token(desk: Desk) -> None:
    await desk.file(said("a"))
    [(ticket, ours)] = await desk.rows("SELECT ticket_id, message_id FROM desk.replies")
    await desk.file(said("b", "ann@x.example", ours))
    await desk.file(said("c", "ann@x.example", token=TOKENS.sign(ticket, "ann@x.example")))
    await desk.file(said("d", "eve@x.example", token=TOKENS.sign(ticket, "ann@x.example")))
    assert await desk.conversations() == [{"a", "b", "c"}, {"d"}]
    rows = await desk.rows("SELECT match->>'rule', match->>'confidence' FROM desk.messages ORDER BY id")
    assert rows[1:] == [("own_reference", "knowledge"), ("reply_token", "signed"), ("new_ticket", "none")]


async def test_what_its_domain_disowns_joins_nothing_by_what_it_knows(desk: Desk) -> None:
    await desk.file(said("a"))
    await desk.file(said("b", "ann@x.example", "a", dmarc="fail"))
    assert await desk.conversations() == [{"a"}, {"b"}]


async def test_a_late_message_merges_two_tickets_into_the_older(desk: Desk) -> None:
    await desk.file(said("b", "bob@y.example", "a", at=5))
    await desk.file(said("c", "cid@z.example", "a", at=6))
    assert await desk.conversations() == [{"b"}, {"c"}]
    await desk.file(said("a", at=0))
    assert await desk.conversations() == [{"a", "b", "c"}]
    assert await desk.history(1) == [*OPENED, "absorbed", "message_received", "updated", "updated", "updated"]
    assert await desk.history(2) == [*OPENED, "merged"]
    assert await desk.requesters() == ["ann@x.example"]
    assert await desk.rows("SELECT messages FROM desk.tickets WHERE number = 1") == [(3,)]
    assert len(await desk.rows("SELECT 1 FROM desk.replies")) == 2


async def test_the_number_that_was_absorbed_works_for_ever(desk: Desk) -> None:
    await desk.file(said("b", "bob@y.example", "a"))
    await desk.file(said("c", "cid@z.example", "a"))
    [(second,)] = await desk.rows("SELECT id FROM desk.tickets WHERE number = 2")
    await desk.file(said("a"))
    await desk.file(said("d", "cid@z.example", token=TOKENS.sign(second, "cid@z.example")))
    await desk.file(said("e", "cid@z.example", "c"))
    assert await desk.conversations() == [{"a", "b", "c", "d", "e"}]
    rows = await desk.rows("SELECT t.number FROM desk.messages m JOIN desk.tickets t ON t.id = m.ticket_id")
    assert sorted(rows) == [(1,), (1,), (1,), (1,), (2,)]


async def test_mergers_follow_one_another(desk: Desk) -> None:
    await desk.file(said("1", "u1@x.example"))
    await desk.file(said("3", "u3@x.example", "m2"))
    await desk.file(said("4", "u4@x.example", "m3"))
    await desk.file(said("m3", "u5@x.example", "3"))
    await desk.file(said("m2", "u6@x.example", "1"))
    assert await desk.conversations() == [{"1", "3", "4", "m2", "m3"}]
    assert await desk.rows(
        "SELECT DISTINCT root_id = (SELECT id FROM desk.tickets WHERE number = 1) FROM desk.tickets"
    ) == [(True,)]


async def test_an_ancestor_nobody_saw_joins_only_those_who_know_each_other(desk: Desk) -> None:
    await desk.file(said("a", "ann@x.example", "unseen", to=["bob@x.example"]))
    await desk.file(said("b", "bob@x.example", "unseen"), said("c", "cid@x.example", "unseen"))
    assert await desk.conversations() == [{"a", "b"}, {"c"}]


async def test_a_duplicate_is_recorded_and_changes_nothing(desk: Desk) -> None:
    await desk.file(said("a", raw=1), said("a", raw=2), said("a", raw=1))
    await desk.file(said("a", raw=3), said("a", raw=1), said("a", raw=3))
    assert await desk.history(1) == OPENED
    assert await desk.settled() == [(2, "duplicate"), (3, "duplicate")]


async def test_what_machines_write_is_filed_where_it_refers_to_and_nothing_else(desk: Desk) -> None:
    await desk.file(said("a"))
    await desk.rows("SELECT 1")
    async with desk.engine.begin() as connection:
        await connection.exec_driver_sql("UPDATE desk.tickets SET status = 'closed', closed_at = now()")
    await desk.file(said("b", "ann@x.example", "a", kind="out_of_office"), said("c", kind="bounce"))
    assert await desk.history(1) == [*OPENED, "message_received"]
    assert await desk.rows("SELECT status, messages FROM desk.tickets") == [("closed", 1)]
    assert await desk.rows("SELECT id, contact_id FROM desk.messages WHERE ticket_id IS NULL") == [("id-c", None)]
    await desk.file(said("d", "ann@x.example", "a"))
    assert (await desk.history(1))[-2:] == ["message_received", "reopened"]
    assert await desk.rows("SELECT status, closed_at FROM desk.tickets") == [("open", None)]


async def test_a_machines_mail_joins_when_what_it_refers_to_arrives_later(desk: Desk) -> None:
    await desk.file(said("m1", "daemon@x.example", "a", kind="bounce"))
    await desk.file(said("m2", "daemon@y.example", "m1", kind="bounce"))
    await desk.file(said("m3", "daemon@y.example", "elsewhere", kind="bounce"))
    assert await desk.conversations() == []
    await desk.file(said("a"))
    assert await desk.conversations() == [{"a", "m1", "m2"}]
    assert await desk.history(1) == [*OPENED, "message_received", "message_received"]
    assert await desk.requesters() == ["ann@x.example"]


async def test_lists_open_tickets_that_nobody_confirms(desk: Desk) -> None:
    await desk.file(said("a", kind="list"))
    assert await desk.history(1) == ["opened", "message_received", "confirmation_suppressed"]
    assert await desk.rows("SELECT 1 FROM desk.outgoing") == []


async def test_nobody_is_written_more_than_three_confirmations_a_day(desk: Desk) -> None:
    await desk.file(said("a"), said("b", "ANN@x.example"))
    await desk.file(said("c"), said("d"), said("e"))
    assert len(await desk.rows("SELECT 1 FROM desk.replies WHERE recipient = 'ann@x.example'")) == 3
    assert (await desk.history(5))[-1] == "confirmation_suppressed"


async def test_a_later_revision_updates_and_tells(desk: Desk) -> None:
    await desk.file(said("a", raw=1), said("a", raw=2, revision=1, subject="Later"))
    await desk.file(said("a", raw=3, revision=2, subject=None, text="third"), said("a", raw=4, revision=1))
    assert await desk.history(1) == [*OPENED, "message_revised", "message_revised"]
    [(revision, subject, text)] = await desk.rows(
        "SELECT revision, subject, document::json->>'text' FROM desk.messages"
    )
    assert (revision, subject, text) == (2, "Later", "third")
    assert await desk.settled() == [(2, "revision"), (3, "revision"), (4, "duplicate")]


async def test_a_replay_with_a_newer_normalizer_updates_the_document_alone(desk: Desk) -> None:
    await desk.file(said("a", raw=1))
    await desk.file(said("a", raw=1, replayed=True, normalizer="deskstream 2", text="better"))
    await desk.file(said("a", raw=1, replayed=True, normalizer="deskstream 1", text="worse"))
    assert await desk.history(1) == OPENED
    assert await desk.rows("SELECT normalizer, document::json->>'text' FROM desk.messages") == [
        ("deskstream 2", "better")
    ]
    assert await desk.settled() == []


async def test_what_is_no_message_is_refused_with_its_reason(desk: Desk) -> None:
    ignored = b'{"kind":"ignored.v1","channel":"email","account":"a","reason":"empty",'
    ignored += b'"raw":{"topic":"raw.email","partition":0,"offset":9}}'
    await desk.filing([Received("messages.email", 0, 0, None, ignored, 0)])
    assert await desk.settled() == [(9, "ignored")]
    for value in (b"{", b'{"kind":"message.v9"}', None, b'{"kind":"message.v1","message_id":7}'):
        with pytest.raises(Invalid):
            await desk.filing([Received("messages.email", 0, 1, None, value, 0)])


async def test_a_forged_date_changes_neither_requester_nor_figures(desk: Desk) -> None:
    early = said("b", "eve@y.example", "a", at=5).model_copy(update={"sent_at": START.replace(year=1999)})
    await desk.file(early)
    await desk.file(said("a"))
    assert await desk.requesters() == ["ann@x.example"]
    rows = await desk.rows("SELECT occurred_at = received_at FROM desk.messages WHERE id = 'id-b'")
    assert rows == [(True,)]


async def test_an_address_longer_than_an_index_allows_is_filed(desk: Desk) -> None:
    await desk.file(said("a", "x" * 5_000 + "@x.example"))
    await desk.filing([record(said("b", "x" * 5_000 + "@x.example", "a"), 1)])
    assert await desk.conversations() == [{"a", "b"}]
