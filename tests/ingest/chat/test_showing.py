"""Replies that are shown live: what is remembered, who is told, and what the sending part makes of it."""

import asyncio
from datetime import UTC, datetime, timedelta

import pytest

from bus.errors import Retryable
from bus.memory import MemoryBus
from bus.reply import Receipt, Reply
from bus.topics import RECEIPTS
from ingest.attempts import Outcome, outcome_of
from ingest.chat.sender import WindowSender
from ingest.chat.settings import ChatSettings
from ingest.contract import Away, Refused
from ingest.live_replies import LiveReplies
from tests.ingest.memory_replies import MemoryReplies, say, shown
from tests.ingest.sending.replies import a_reply

SETTINGS = ChatSettings(allowed_origins=["*"])


def said(n: int = 1, conversation: str = "session-1", **given: object) -> Reply:
    more = {"channel": "chat", "account": "chat", "provider_thread": conversation, "reply_id": f"reply-{n}", "purpose": "reply"}  # fmt: skip # noqa: E501
    return a_reply(**(more | {"created_at": datetime.now(UTC)} | given))


def live(bus: MemoryBus | None = None, **bounds: int) -> LiveReplies:
    return LiveReplies("chat", MemoryReplies(bus, "chat") if bus else None, **bounds)  # type: ignore[arg-type]


def test_what_is_remembered_is_bounded() -> None:
    by_conversation = live(of_each=3, conversations=2)
    for n in range(5):
        by_conversation.add(said(n))
    assert [reply.reply_id for reply in by_conversation.after("session-1", {"reply-3"})] == ["reply-2", "reply-4"]
    by_conversation.add(said(5, "session-2"))
    by_conversation.add(said(6, "session-1"))
    by_conversation.add(said(7, "session-3"))
    assert not by_conversation.after("session-2", ())
    assert by_conversation.after("session-1", ())
    small = live(characters=10)
    small.add(said(1, "session-1", text="x" * 8))
    small.add(said(2, "session-2", text="x" * 8))
    assert not small.after("session-1", ())
    assert small.after("session-2", ())


def test_what_is_not_ours_or_comes_again_is_not_shown() -> None:
    one = live()
    one.add(said(1, account="another"))
    one.add(said(2))
    one.add(said(2, attempt=2))
    assert [reply.attempt for reply in one.after("session-1", ())] == [1]


async def test_a_receipt_lies_on_the_partition_of_its_reply_and_is_written_once() -> None:
    bus = MemoryBus()
    one = live(bus)
    hearing = asyncio.create_task(one.run())
    for n in range(6):
        await say(bus, said(n, ticket_id=f"ticket-{n}"))
    async with asyncio.timeout(30):
        while len(one.after("session-1", ())) < 6:
            await asyncio.sleep(0.005)
    ids = [f"reply-{n}" for n in range(6)]
    await one.shown("session-1", ids)
    await one.shown("session-1", ids)
    hearing.cancel()
    assert sorted(shown(bus)) == ids
    places = {record.key: record.partition for record in bus.records(RECEIPTS)}
    for record in bus.records("replies.chat"):
        assert places[Reply.from_json(record.value or b"").reply_id] == record.partition
    receipts = [Receipt.from_json(record.value or b"") for record in bus.records(RECEIPTS)]
    assert all(receipt.shown and receipt.connector == "chat" for receipt in receipts)


async def test_what_cannot_be_told_now_is_told_when_it_is_said_again() -> None:
    bus = MemoryBus()
    one = live(bus)
    one.add(said())
    bus.reachable = False
    with pytest.raises(Retryable):
        await one.shown("session-1", ["reply-1"])
    bus.reachable = True
    await one.shown("session-1", ["reply-1"])
    assert shown(bus) == ["reply-1"]


async def test_a_window_of_this_process_that_shows_it_in_time_has_it_sent() -> None:
    bus = MemoryBus()
    one = live(bus)
    reply = said()
    sender = WindowSender(SETTINGS, one, grace=30)
    sending = asyncio.create_task(sender.send(reply))
    await asyncio.sleep(0)
    one.add(reply)
    await one.shown("session-1", ["reply-1"])
    assert await sending == "reply-1"
    assert await sender.send(reply) == "reply-1"
    # said before the window was told so, whatever becomes of the sending part
    assert shown(bus) == ["reply-1"]


async def test_nobody_there_it_is_asked_again_then_may_go_elsewhere_and_once_has_failed() -> None:
    one = live()
    sender = WindowSender(SETTINGS, one, grace=0.01)
    with pytest.raises(Away) as first:
        await sender.send(said())
    assert outcome_of(first.value) == Outcome("deferred", reason="the visitor is away", retry_after=29.99)
    with pytest.raises(Away) as second:
        await sender.send(said(attempt=2))
    assert outcome_of(second.value) == Outcome("deferred", reason="the visitor is away", elsewhere=True)
    old = datetime.now(UTC) - timedelta(days=3, minutes=1)
    with pytest.raises(Refused, match="not come back"):
        await sender.send(said(attempt=9, created_at=old))
    with pytest.raises(Refused, match="no conversation"):
        await sender.send(said(conversation=""))


async def test_many_who_are_away_are_waited_for_together() -> None:
    one = live()
    replies = [said(n, f"session-{n}") for n in range(200)]
    for reply in replies:
        one.add(reply)
    sender = WindowSender(SETTINGS, one, grace=0.2)
    began = asyncio.get_running_loop().time()
    for reply in replies:
        with pytest.raises(Away):
            await sender.send(reply)
    assert asyncio.get_running_loop().time() - began < 20  # not 200 times as long
