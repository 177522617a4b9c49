"""What joins, across mailboxes, departments, channels and years: each test is one sentence of threading.md."""

import dataclasses
import json
from datetime import timedelta

import pytest

from bus.message import Author, NormalizedMessage, Ref
from tests.ticketing.by_hand import Acts
from tests.ticketing.filing.conftest import Desk
from tests.ticketing.filing.said import START, TOKENS, said
from ticketing.policy import Policy
from ticketing.tokens import ReplyTokens, for_body

pytestmark = pytest.mark.stack
ANN, BOB, EVE, DAY = "ann@x.example", "bob@x.example", "eve@y.example", 1_440


def posted(
    name: str, author: str, thread: str | None = None, *, channel: str = "forum", at: float = 0, text: str = ""
) -> NormalizedMessage:
    """A post of a forum user (or another provider's), in a thread."""
    message = said(name, author, at=at, text=text)
    refs = [Ref(kind="provider_thread", value=thread)] if thread else []
    who = Author(kind=channel, address=author, verified=True)
    return message.model_copy(
        update={
            "channel": channel,
            "account": f"our-{channel}",
            "author": who,
            "to": [],
            "refs": refs,
            "source_id": name,
        }
    )


async def test_a_mail_that_two_mailboxes_got_is_one(desk: Desk) -> None:
    first = said("a", text="the same", raw=1)
    copy = said("a~copy", text="the same", raw=2, account="info-mail")
    other = said("a/2", text="another text under the same id", raw=3, account="info-mail")
    await desk.file(first)
    await desk.file(copy, other, copy)
    assert await desk.conversations() == [{"a"}, {"a/2"}]
    settled = await desk.rows("SELECT raw_offset, outcome, message_id, reason FROM desk.settled")
    assert settled == [(2, "duplicate", "id-a~copy", "a copy of id-a")]
    # both are Ann's: what names the id joins them
    await desk.file(said("b", ANN, "a", raw=4))
    assert await desk.conversations() == [{"a", "a/2", "b"}]


async def test_a_copy_in_the_same_batch_is_one_as_well(desk: Desk) -> None:
    await desk.file(said("a", text="x", raw=1), said("a~copy", text="x", raw=2, account="info-mail"))
    assert await desk.conversations() == [{"a"}]
    assert await desk.settled() == [(2, "duplicate")]


async def test_nothing_joins_across_departments(desk: Desk) -> None:
    departments = {"sales-mail": "sales"}
    desk.filing = dataclasses.replace(desk.filing, policy=Policy(departments=departments))
    await desk.file(said("a", text="both"))
    [(ticket, ours)] = await desk.rows("SELECT ticket_id, message_id FROM desk.replies")
    await desk.file(said("a~copy", text="both", account="sales-mail", raw=2))
    await desk.file(
        said("b", ANN, "a", account="sales-mail"),
        said("c", BOB, ours, account="sales-mail"),
        said("d", ANN, token=TOKENS.sign(ticket, ANN), account="sales-mail"),
        said("e", ANN, numbers=[1], dmarc="pass", account="sales-mail"),
    )
    assert await desk.conversations() == [{"a"}, {"a~copy", "b"}, {"c"}, {"d"}, {"e"}]
    assert await desk.rows("SELECT possible_reply_to FROM desk.tickets ORDER BY number") == [
        (None,),
        (None,),
        (1,),
        (1,),
        (1,),
    ]


async def test_over_a_long_gap_only_a_token_joins(desk: Desk) -> None:
    await desk.file(said("a"))
    [(ticket, ours)] = await desk.rows("SELECT ticket_id, message_id FROM desk.replies")
    await desk.rows_changed("UPDATE desk.replies SET created_at = :at", at=START)
    late = 366 * DAY
    await desk.file(said("b", ANN, "a", at=late), said("c", ANN, ours, at=late))
    await desk.file(said("d", ANN, token=TOKENS.sign(ticket, ANN), at=late), said("e", BOB, "a", at=364 * DAY))
    assert await desk.conversations() == [{"a", "d", "e"}, {"b"}, {"c"}]


async def test_strict_wants_a_pass_of_one_who_wrote_or_was_written(desk: Desk) -> None:
    desk.filing = dataclasses.replace(desk.filing, policy=Policy(strict=True))
    await desk.file(said("a", ANN, "unseen", to=[BOB], dmarc="pass"))
    await desk.file(
        said("b", BOB, "a", dmarc="pass"),
        said("c", BOB, "a"),
        said("d", EVE, "a", dmarc="pass"),
        said("e", ANN, "unseen", dmarc="pass"),
        said("f", ANN, "unseen", "x"),
    )
    assert await desk.conversations() == [{"a", "b", "e"}, {"c"}, {"d"}, {"f"}]


async def test_who_is_a_third_party_follows_from_both_ends_whenever_they_arrive(desk: Desk) -> None:
    await desk.file(said("b", BOB, "a", at=1), said("c", EVE, "a", "x", at=2))
    await desk.file(said("a", ANN, to=[BOB]))
    parties = "SELECT id, third_party FROM desk.messages ORDER BY id"
    assert await desk.rows(parties) == [("id-a", False), ("id-b", False), ("id-c", True)]
    await desk.file(said("x", EVE))
    assert await desk.rows(parties) == [("id-a", False), ("id-b", False), ("id-c", False), ("id-x", False)]
    told = await desk.rows(
        "SELECT document FROM desk.ticket_events WHERE type = 'ticket.updated' "
        "AND document::json->'data'->>'message_id' = 'id-c' ORDER BY id"
    )
    assert [json.loads(document)["data"]["fields"] for (document,) in told] == [
        {"third_party": [False, True]},
        {"third_party": [True, False]},
    ]


async def test_references_beyond_the_cap_are_not_looked_at(desk: Desk) -> None:
    desk.filing = dataclasses.replace(desk.filing, policy=Policy(max_references=4))
    await desk.file(said("a"), said("z", BOB))
    many = [f"n{n}" for n in range(20)]
    await desk.file(said("b", ANN, "a", *many), said("c", BOB, *many[:10], "z", *many[10:]))
    assert await desk.conversations() == [{"a", "b"}, {"z"}, {"c"}]


async def test_a_thread_of_a_forum_is_one_ticket_and_stays_cut(desk: Desk) -> None:
    await desk.file(posted("p1", "u1", "t9"), posted("p2", "u1", "t9", at=1), posted("p3", "u2", "t8", at=1))
    assert await desk.conversations() == [{"p1", "p2"}, {"p3"}]
    await Acts(desk.engine, "k", "agent-1", START + timedelta(hours=1)).split(["id-p2"])
    await desk.file(posted("p4", "u1", "t9", at=5))
    assert await desk.conversations() == [{"p1"}, {"p3"}, {"p2", "p4"}]


async def test_a_mail_answers_our_notification_of_a_forum_post(desk: Desk) -> None:
    await desk.file(posted("p1", "u1", "t9"))
    [(ticket,)] = await desk.rows("SELECT id FROM desk.tickets")
    notification = f"{TOKENS.message_id(ticket, 'notification', 'p1')}@desk.example"
    await desk.rows_changed(
        "INSERT INTO desk.replies (id, ticket_id, purpose, channel, account, recipient, message_id, state, attempt, "
        "document, created_at, state_at) "
        "VALUES ('n', :ticket, 'notification', 'email', 'support-mail', :to, :id, 'sent', 1, '{}', :at, :at)",
        ticket=ticket,
        to=ANN,
        id=notification,
        at=START,
    )
    await desk.file(said("m1", ANN, notification), said("m2", EVE, notification))
    await desk.file(said("m3", ANN, token=TOKENS.sign(ticket, ANN)), posted("p2", "u1", "t9", at=9))
    assert await desk.conversations() == [{"p1", "m1", "m2", "m3", "p2"}]
    assert await desk.rows("SELECT id FROM desk.messages WHERE third_party") == [("id-m2",)]


async def test_a_token_in_the_text_serves_channels_that_keep_nothing_else(desk: Desk) -> None:
    await desk.file(posted("s1", "v1", channel="chat"))
    [(ticket,)] = await desk.rows("SELECT id FROM desk.tickets")
    mine = for_body(TOKENS.sign(ticket, "v1"))
    await desk.file(
        posted("s2", "v1", channel="chat", text=f"as I said {mine} before"),
        posted("s3", "v2", channel="chat", text=f"as he said {mine} before"),
        said("s4", ANN, text=f"> {for_body(TOKENS.sign(ticket, ANN)).upper().replace('REF', 'ref')}"),
    )
    assert await desk.conversations() == [{"s1", "s2", "s4"}, {"s3"}]


async def test_an_older_key_is_good_while_the_ticket_is_open(desk: Desk) -> None:
    older = ReplyTokens({1: b"o" * 32}, 1)
    both = ReplyTokens({2: b"n" * 32, 1: b"o" * 32}, 2)
    confirming = dataclasses.replace(desk.filing.confirming, tokens=both)
    desk.filing = dataclasses.replace(desk.filing, confirming=confirming)
    await desk.file(said("a"))
    [(ticket,)] = await desk.rows("SELECT id FROM desk.tickets")
    await desk.file(said("b", token=older.sign(ticket, ANN)))
    await desk.rows_changed("UPDATE desk.tickets SET status = 'closed', closed_at = :at", at=START)
    await desk.file(said("c", token=older.sign(ticket, ANN), at=1), said("d", token=both.sign(ticket, ANN), at=1))
    assert await desk.conversations() == [{"a", "b", "d"}, {"c"}]


async def test_a_ticket_of_ones_own_is_no_way_into_another(desk: Desk) -> None:
    await desk.file(said("e0", EVE), said("a", ANN, at=1))
    [(hers,)] = await desk.rows("SELECT id FROM desk.tickets WHERE number = 1")
    await desk.file(said("e1", EVE, "a", token=TOKENS.sign(hers, EVE), at=2))
    assert await desk.conversations() == [{"e0", "e1"}, {"a"}]
