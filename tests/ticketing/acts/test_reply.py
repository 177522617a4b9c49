"""What an answer leaves behind: the replies to send, who is let in, and that the customer's own answer comes back."""

from datetime import timedelta
from typing import Any

import pytest

from bus.errors import Invalid
from bus.reply import Reply
from tests.ticketing.by_hand import Acts
from tests.ticketing.filing.conftest import Desk
from tests.ticketing.filing.said import START, TOKENS, said

pytestmark = pytest.mark.stack
ANN, BOB, CAROL = "ann@x.example", "bob@x.example", "carol@y.example"


def acts(desk: Desk, key: str = "act-1") -> Acts:
    return Acts(desk.engine, key, "agent-1", START + timedelta(hours=1))


async def replies(desk: Desk) -> dict[str, Reply]:
    """What stands in the outbox for customers, by recipient, confirmations apart."""
    rows = await desk.rows("SELECT document FROM desk.outgoing ORDER BY id")
    found = [Reply.from_json(document) for (document,) in rows]
    return {reply.recipient.address: reply for reply in found if reply.purpose == "reply"}


async def test_an_answer_to_a_mail_is_threaded_signed_for_its_reader_and_not_automatic(desk: Desk) -> None:
    await desk.file(said("a", ANN, "earlier", subject="Re: Broken pump"))
    await acts(desk).do("reply", 1, text="Yes.")
    [reply] = (await replies(desk)).values()
    assert (reply.channel, reply.account, reply.purpose) == ("email", "support-mail", "reply")
    assert (reply.subject, reply.automatic, reply.loop) == ("Re: Broken pump [#1]", False, None)
    assert reply.text == "Yes.\n\n-- \nSupport"
    assert (reply.in_reply_to, reply.references) == ("a@mail", ["earlier@mail", "a@mail"])
    assert reply.reply_token is not None
    assert TOKENS.verify(reply.reply_token, ANN) == reply.ticket_id
    assert TOKENS.verify(reply.reply_token, BOB) is None
    assert reply.message_id is not None
    assert TOKENS.ticket_of_message_id(reply.message_id) == reply.ticket_id
    assert reply.message_id.endswith("@desk.example")
    [row] = await desk.rows("SELECT state, attempt, purpose, recipient FROM desk.replies WHERE purpose = 'reply'")
    assert row == ("queued", 1, "reply", ANN)


async def test_everybody_let_in_has_a_copy_of_his_own_and_is_a_participant(desk: Desk) -> None:
    await desk.file(said("a", ANN))
    await acts(desk).do("add-participant", 1, address=BOB)
    done = await acts(desk, "act-2").do("reply", 1, text="Yes.", cc=[CAROL, "Carol+x@Y.example", ANN])
    found = await replies(desk)
    assert found.keys() == {ANN, BOB, CAROL}
    assert {name: [each.address for each in reply.cc] for name, reply in found.items()} == {
        ANN: [BOB, CAROL],
        BOB: [ANN, CAROL],
        CAROL: [ANN, BOB],
    }
    assert len({reply.reply_id for reply in found.values()} | {reply.message_id for reply in found.values()}) == 6
    assert all(TOKENS.verify(str(reply.reply_token), name) for name, reply in found.items())
    assert [event.type for event in done.events] == ["ticket.updated", "ticket.replied"]
    [(answer, copies)] = await desk.rows("SELECT id, copies FROM desk.answers")
    assert answer == found[ANN].reply_id == done.events[-1].data["reply_id"]
    assert set(copies) == {found[BOB].reply_id, found[CAROL].reply_id}
    # who was let in is believed by number, in his own name
    await desk.file(said("c", CAROL, numbers=[1], dmarc="pass"))
    assert await desk.conversations() == [{"a", "c"}]


async def test_the_customers_next_mail_comes_back_by_each_of_the_three_signs(desk: Desk) -> None:
    await desk.file(said("a", ANN))
    await acts(desk).do("reply", 1, text="Yes.")
    reply = (await replies(desk))[ANN]
    await desk.file(
        said("by-token", ANN, token=reply.reply_token),
        said("by-id", ANN, str(reply.message_id)),
        said("by-number", ANN, numbers=[1], dmarc="pass"),
        said("stranger", "eve@z.example", token=reply.reply_token),
    )
    assert await desk.conversations() == [{"a", "by-token", "by-id", "by-number"}, {"stranger"}]


async def test_after_a_revocation_the_new_token_is_good(desk: Desk) -> None:
    await desk.file(said("a", ANN))
    await acts(desk).do("revoke-tokens", 1)
    await acts(desk, "act-2").do("reply", 1, text="Yes.")
    reply = (await replies(desk))[ANN]
    await desk.file(said("b", ANN, token=reply.reply_token))
    assert await desk.conversations() == [{"a", "b"}]


async def test_html_is_made_safe_and_signed_and_has_its_text(desk: Desk) -> None:
    await desk.file(said("a", ANN))
    await desk.rows_changed(
        "INSERT INTO desk.agents (id, name, roles, signature, created_at) "
        "VALUES ('agent-1', 'Sue', '{agent}', 'Sue <Support>', now())"
    )
    await acts(desk).do("reply", 1, html="<p>Yes<script>x()</script></p>")
    reply = (await replies(desk))[ANN]
    assert reply.text == "Yes\n\n-- \nSue <Support>"
    assert reply.html == "<p>Yes</p>\n<p>-- <br>\nSue &lt;Support&gt;</p>"
    assert await desk.rows("SELECT text, html FROM desk.answers") == [("Yes", "<p>Yes</p>")]


async def test_a_department_answers_in_its_own_name_by_its_own_connector(desk: Desk) -> None:
    await desk.file(said("a", ANN))
    await desk.rows_changed(
        "INSERT INTO desk.departments (id, name, from_address, from_name, reply_via, signature, created_at) "
        "VALUES ('sales', 'Sales', 'sales@desk.example', 'Acme Sales', 'sales-mail', 'The sales team', now())"
    )
    await desk.rows_changed("UPDATE desk.tickets SET department = 'sales'")
    await acts(desk).do("reply", 1, text="Yes.")
    reply = (await replies(desk))[ANN]
    assert (reply.account, reply.from_address, reply.from_name) == ("sales-mail", "sales@desk.example", "Acme Sales")
    assert reply.text.endswith("-- \nThe sales team")


async def test_a_strangers_mail_in_the_ticket_changes_nothing_of_who_is_answered(desk: Desk) -> None:
    await desk.file(said("a", ANN, to=["support@desk.example"]))
    await desk.file(said("b", "eve@z.example", "a", at=5, cc=["mallory@z.example"]))
    assert len(await desk.conversations()) == 1
    await acts(desk).do("reply", 1, text="Yes.")
    assert (await replies(desk)).keys() == {ANN}


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({}, "write a text"),
        ({"text": "x", "cc": ["no address"]}, "cc.0"),
        ({"text": "x", "cc": ["a@b\r\nBcc: c@d"]}, "cc.0"),
        ({"text": "x", "public": True}, "not public"),
        ({"html": "<script>x</script>"}, "nothing is left"),
        ({"text": "x", "agent_id": "someone-else"}, "agent_id"),
        ({"text": "\U0001f600" * 99_000, "html": "\U0001f600" * 99_000}, "too many"),
    ],
)
async def test_what_cannot_be_sent_is_refused_in_words(desk: Desk, given: dict[str, Any], words: str) -> None:
    await desk.file(said("a", ANN))
    with pytest.raises(Invalid, match=words):
        await acts(desk).do("reply", 1, **given)
    assert await replies(desk) == {}
