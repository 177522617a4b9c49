"""What an agent does by hand stays done: for the ticket, for its events, and for every message that comes later."""

from datetime import timedelta

import pytest

from bus.errors import Invalid
from tests.ticketing.by_hand import Acts
from tests.ticketing.filing.conftest import Desk
from tests.ticketing.filing.said import START, TOKENS, said

pytestmark = pytest.mark.stack
ANN, BOB = "ann@x.example", "bob@x.example"


def acts(desk: Desk, key: str = "act-1") -> Acts:
    return Acts(desk.engine, key, "agent-1", START + timedelta(hours=1))


async def conversation(desk: Desk) -> None:
    """Ticket 1 with three mails by Ann, and ticket 2 with one by Bob."""
    await desk.file(said("a", ANN), said("b", ANN, "a", at=1), said("c", ANN, "b", at=2))
    await desk.file(said("z", BOB, at=3))


async def test_merged_by_hand_they_are_one_and_taken_apart_they_are_two_again(desk: Desk) -> None:
    await conversation(desk)
    assert await acts(desk).merge(2, 1) == 1
    assert await desk.conversations() == [{"a", "b", "c", "z"}]
    assert (await desk.history(1))[-1] == "absorbed"
    assert (await desk.history(2))[-1] == "merged"
    await desk.file(said("y", BOB, "z", at=9))
    assert await desk.conversations() == [{"a", "b", "c", "y", "z"}]
    assert await desk.rows("SELECT messages FROM desk.tickets WHERE number = 1") == [(5,)]
    assert await acts(desk, "act-2").unmerge(2) == 2
    assert await desk.conversations() == [{"a", "b", "c", "y"}, {"z"}]
    assert (await desk.history(1))[-1] == (await desk.history(2))[-1] == "unmerged"
    assert await desk.rows("SELECT messages FROM desk.tickets ORDER BY number") == [(4,), (1,)]
    # y names z: it reaches both sides by what names it, joins the younger and merges nothing
    await desk.file(said("x", BOB, "z", "y", at=20))
    assert await desk.conversations() == [{"a", "b", "c", "y"}, {"x", "z"}]
    assert await acts(desk, "act-3").merge(1, 2) == 1
    assert await desk.rows("SELECT 1 FROM desk.cuts") == []
    await desk.file(said("w", BOB, "x", at=21))
    assert await desk.conversations() == [{"a", "b", "c", "w", "x", "y", "z"}]


async def test_what_is_split_off_is_a_ticket_of_its_own_and_stays_it(desk: Desk) -> None:
    await conversation(desk)
    assert await acts(desk).split(["id-b", "<c@mail>"]) == 3
    assert await desk.conversations() == [{"a"}, {"z"}, {"b", "c"}]
    assert await desk.history(3) == ["opened", "message_moved", "message_moved", "confirmation_suppressed"]
    assert (await desk.history(1))[-1] == "split"
    await desk.file(said("to-old", ANN, "a", at=10))
    await desk.file(said("to-new", ANN, "c", at=11))
    await desk.file(said("to-both", ANN, "a", "b", "c", at=12))
    await desk.file(said("deeper", ANN, "to-old", "to-both", at=13), said("token", ANN, token=await token(desk, 1)))
    assert await desk.conversations() == [{"a", "to-old", "token"}, {"z"}, {"b", "c", "to-new", "to-both", "deeper"}]
    assert await desk.rows("SELECT messages, attachments FROM desk.tickets ORDER BY number") == [(3, 0), (1, 0), (5, 0)]
    assert await acts(desk, "act-2").unsplit(3) == 1
    assert [len(each) for each in await desk.conversations()] == [8, 1]
    await desk.file(said("again", ANN, "a", "c", at=14))
    assert [len(each) for each in await desk.conversations()] == [9, 1]


async def test_a_late_ancestor_of_both_sides_joins_the_younger_and_merges_nothing(desk: Desk) -> None:
    await desk.file(said("a", ANN, "first", at=1), said("b", ANN, "a", "first", at=2))
    await acts(desk).split(["id-b"])
    await desk.file(said("first", ANN, at=0))
    assert await desk.conversations() == [{"a"}, {"b", "first"}]
    # what hangs on a message that was missing comes along with it
    await desk.file(said("d", BOB, "c", at=5))
    await desk.file(said("c", ANN, "a", "b", at=4))
    assert await desk.conversations() == [{"a"}, {"b", "c", "d", "first"}]


@pytest.mark.parametrize("together", [True, False])
async def test_batches_make_no_difference_at_a_cut(desk: Desk, together: bool) -> None:  # a parameter of the test
    await desk.file(said("a", ANN), said("b", ANN, "a"))
    await acts(desk).split(["id-b"])
    later = [said("c", ANN, "a", "b", at=5), said("d", ANN, "c", at=6), said("e", ANN, "a", at=7)]
    if together:
        await desk.file(*later)
    else:
        for message in later:
            await desk.file(message)
    assert await desk.conversations() == [{"a", "e"}, {"b", "c", "d"}]


async def test_wrong_ticket_takes_one_message_out_and_says_so(desk: Desk) -> None:
    await conversation(desk)
    await acts(desk).split(["id-b"], wrong=True)
    assert await desk.conversations() == [{"a", "c"}, {"z"}, {"b"}]
    [(match,)] = await desk.rows("SELECT match FROM desk.messages WHERE id = 'id-b'")
    assert match["rule"] == "own_reference"
    assert match["by_hand"] == {"act": "wrong_ticket", "from": 1, "to": 3}
    [(document,)] = await desk.rows("SELECT document::json->'data' FROM desk.ticket_events WHERE type = 'ticket.split'")
    assert document["wrong_ticket"] is True
    assert document["message_ids"] == ["id-b"]


async def test_a_moved_message_stays_and_moved_back_leaves_no_trace_in_the_graph(desk: Desk) -> None:
    await conversation(desk)
    assert await acts(desk).move("id-c", 2) == 2
    await desk.file(said("d", ANN, "c", at=9), said("e", ANN, "b", at=9), said("f", ANN, "b", "c", at=10))
    assert await desk.conversations() == [{"a", "b", "e"}, {"c", "d", "f", "z"}]
    await desk.file(said("a", ANN, raw=77, replayed=True, normalizer="deskstream 2"))
    assert [len(each) for each in await desk.conversations()] == [3, 4]
    await acts(desk, "act-2").move("id-c", 1)
    assert await desk.rows("SELECT 1 FROM desk.cuts") == []
    assert await desk.conversations() == [{"a", "b", "c", "e"}, {"d", "f", "z"}]
    moves = await desk.rows(
        "SELECT t.number, e.document::json->'data'->>'direction' FROM desk.ticket_events e "
        "JOIN desk.tickets t ON t.id = e.ticket_id WHERE e.type = 'ticket.message_moved' ORDER BY e.id"
    )
    assert sorted(moves) == [(1, "in"), (1, "out"), (2, "in"), (2, "out")]


async def test_numbers_and_tokens_of_what_was_merged_work_for_ever(desk: Desk) -> None:
    await conversation(desk)
    second = await token(desk, 2, BOB)
    await acts(desk).merge(1, 2)
    await desk.file(said("t", BOB, token=second))
    await desk.file(said("n", BOB, numbers=[2], dmarc="pass"), said("m", "eve@y.example", numbers=[2], dmarc="pass"))
    assert await desk.conversations() == [{"a", "b", "c", "z", "t", "n"}, {"m"}]
    assert await desk.rows("SELECT possible_reply_to FROM desk.tickets WHERE number = 3") == [(2,)]


async def test_revoked_tokens_are_worthless_and_new_ones_good(desk: Desk) -> None:
    await conversation(desk)
    old = await token(desk, 1)
    await acts(desk).revoke_tokens(1)
    [(ticket,)] = await desk.rows("SELECT id FROM desk.tickets WHERE number = 1")
    await desk.file(said("old", ANN, token=old), said("new", ANN, token=TOKENS.sign(ticket, ANN, 1)))
    assert await desk.conversations() == [{"a", "b", "c", "new"}, {"z"}, {"old"}]
    [(match, number)] = await desk.rows(
        "SELECT m.match, t.possible_reply_to FROM desk.messages m JOIN desk.tickets t ON t.id = m.ticket_id "
        "WHERE m.id = 'id-old'"
    )
    assert match["warnings"] == ["reply_token:revoked"]
    assert match["tried"][0] == ["reply_token", "its token is revoked"]
    assert number == 1


async def test_whom_an_agent_lets_in_is_a_participant(desk: Desk) -> None:
    await conversation(desk)
    await desk.file(said("early", BOB, numbers=[1], dmarc="pass"))
    await acts(desk).participant(1, "Bob@X.example")
    await desk.file(said("in", BOB, numbers=[1], dmarc="pass"), said("forged", BOB, numbers=[1]))
    await acts(desk, "act-2").participant(1, BOB, remove=True)
    await desk.file(said("out", BOB, numbers=[1], dmarc="pass"))
    assert await desk.conversations() == [{"a", "b", "c", "in"}, {"z"}, {"early"}, {"forged"}, {"out"}]
    assert "x.example" not in str(await desk.rows("SELECT document FROM desk.ticket_events"))


async def test_a_ticket_is_its_requesters_as_contact_and_account_are_today(desk: Desk) -> None:
    await desk.file(said("a", ANN), said("b", BOB, "a", at=1), said("c", ANN, "a", at=2))
    await desk.rows_changed(
        "UPDATE desk.contacts SET account_id = 'acme', root_id = NULL, merged_into = NULL WHERE id = "
        "(SELECT contact_id FROM desk.identities WHERE value = :bob)",
        bob=BOB,
    )
    await acts(desk).split(["id-b"])
    owners = await desk.rows(
        "SELECT i.value, t.account_id = 'acme' FROM desk.tickets t JOIN desk.identities i USING (contact_id) "
        "ORDER BY t.number"
    )
    assert owners == [(ANN, False), (BOB, True)]
    # Bob turns out to be Ann: what is settled anew is hers
    await desk.rows_changed(
        "UPDATE desk.contacts SET root_id = (SELECT contact_id FROM desk.identities WHERE value = :ann), merged_into = "
        "(SELECT contact_id FROM desk.identities WHERE value = :ann) "
        "WHERE id = (SELECT contact_id FROM desk.identities WHERE value = :bob)",
        ann=ANN,
        bob=BOB,
    )
    await acts(desk, "act-2").move("id-c", 2)
    [(same,)] = await desk.rows("SELECT count(DISTINCT contact_id) FROM desk.tickets")
    assert same == 1


async def test_what_cannot_be_done_is_refused_in_words(desk: Desk) -> None:
    await conversation(desk)
    await desk.file(said("auto", "daemon@x.example", kind="bounce"))
    for refused, words in (
        (acts(desk).merge(1, 1), "one already"),
        (acts(desk).merge(1, 9), "no ticket 9"),
        (acts(desk).unmerge(1), "not merged"),
        (acts(desk).unsplit(1), "not split"),
        (acts(desk).split(["id-z"]), "at least one"),
        (acts(desk).split(["id-a", "id-z"]), "not in one ticket"),
        (acts(desk).move("id-a", 1), "already"),
        (acts(desk).move("id-none", 1), "no message"),
        (acts(desk).move("id-auto", 1), "automatic"),
    ):
        with pytest.raises(Invalid, match=words):
            await refused
    assert await desk.conversations() == [{"a", "b", "c"}, {"z"}]


async def token(desk: Desk, number: int, recipient: str = ANN) -> str:
    [(ticket,)] = await desk.rows("SELECT id FROM desk.tickets WHERE number = :number", number=number)
    return TOKENS.sign(ticket, recipient)
