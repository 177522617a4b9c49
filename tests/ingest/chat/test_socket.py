"""What the window and the server say to each other by WebSocket."""

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest
from websockets.exceptions import ConnectionClosed

from bus.memory import MemoryBus
from ingest.chat.frames import LONGEST_TEXT
from tests.ingest.chat.visiting import ChatRig, a_message
from tests.ingest.forms.visiting import Gate
from tests.ingest.memory_replies import shown


async def test_a_conversation(tmp_path: Path) -> None:
    async with ChatRig.window(tmp_path).running() as rig, rig.visitor() as visitor:
        await visitor.begins()
        frame = a_message(name="Ana", page="https://www.shop.example/lamps", language="fr")
        assert await visitor.asks(frame) == {"type": "ack", "id": "message-0001"}
        (raw,) = rig.raw
        assert await rig.payload(raw) == json.dumps(frame).encode()
        (found,) = (await rig.messages()).values()
        message = found.message
        session = raw.headers[":session"]
        assert (message.author.kind, message.author.address, message.author.name) == ("chat", session, "Ana")
        assert [(ref.kind, ref.value) for ref in message.refs] == [("provider_thread", session)]
        assert (message.declared_language, message.fields) == ("fr", {"page": "https://www.shop.example/lamps"})
        assert visitor.token not in raw.to_json().decode()

        await rig.answers("Which lamp?", to=session, reply_id="reply-0001", from_name="Tom")
        heard = await visitor.hears()
        assert (heard["type"], heard["id"], heard["text"], heard["name"]) == (
            "reply", "reply-0001", "Which lamp?", "Tom",
        )  # fmt: skip
        assert await visitor.asks({"type": "got", "ids": ["reply-0001"]}) == {"type": "noted", "ids": ["reply-0001"]}
        assert await visitor.asks({"type": "got", "ids": ["reply-0001"]}) == {"type": "noted", "ids": ["reply-0001"]}
        assert shown(rig.bus) == ["reply-0001"]
        assert await visitor.asks({"type": "ping"}) == {"type": "pong"}
        assert await visitor.asks({"type": "end"}) == {"type": "ended"}
        with pytest.raises(ConnectionClosed):
            await visitor.hears()


async def test_a_message_is_acknowledged_only_after_kafka_has_it(tmp_path: Path) -> None:
    async with ChatRig.window(tmp_path).running() as rig, rig.visitor() as visitor:
        await visitor.begins()
        gate = Gate(rig)
        await visitor.say(a_message())
        async with asyncio.timeout(30):
            await gate.entered.wait()
        hearing = asyncio.create_task(visitor.hears())
        done, _ = await asyncio.wait({hearing}, timeout=0.3)
        assert not done
        assert not rig.raw
        gate.open.set()
        assert (await hearing)["type"] == "ack"
        assert len(rig.raw) == 1


@pytest.mark.parametrize("restarted", [False, True])
async def test_what_is_sent_again_after_a_reconnect_is_one_message_and_order_is_kept(
    tmp_path: Path, restarted: bool
) -> None:
    bus = MemoryBus()
    async with ChatRig.window(tmp_path, bus=bus).running() as rig:
        async with rig.visitor() as visitor:
            token = (await visitor.begins()).token
            for n in (1, 2, 3):
                assert (await visitor.asks(a_message(n)))["type"] == "ack"
        if not restarted:
            async with rig.visitor() as again:
                assert (await again.returns(token))["type"] == "welcome"
                for n in (2, 3, 4):
                    assert (await again.asks(a_message(n)))["type"] == "ack"
            assert await rig.texts() == ["word-1", "word-2", "word-3", "word-4"]
    if restarted:
        async with ChatRig.window(tmp_path, bus=bus).running() as rig, rig.visitor() as again:
            assert (await again.returns(token))["type"] == "welcome"
            for n in (2, 3, 4):
                assert (await again.asks(a_message(n)))["type"] == "ack"
            assert await rig.texts() == ["word-1", "word-2", "word-3", "word-4"]
            assert len({raw.headers[":session"] for raw in rig.raw}) == 1


async def test_kafka_away_is_said_and_nothing_is_lost(tmp_path: Path) -> None:
    async with ChatRig.window(tmp_path).running() as rig, rig.visitor() as visitor:
        await visitor.begins()
        rig.bus.reachable = False
        assert await visitor.asks(a_message()) == {
            "type": "later", "id": "message-0001", "after": 5.0, "reason": "unavailable",
        }  # fmt: skip
        rig.bus.reachable = True
        assert (await visitor.asks(a_message()))["type"] == "ack"
        assert await rig.texts() == ["word-1"]


async def test_more_than_five_a_second_are_told_to_wait(tmp_path: Path) -> None:
    async with ChatRig.window(tmp_path).running() as rig, rig.visitor() as visitor, rig.visitor() as other:
        await visitor.begins()
        await other.begins()
        for n in range(60):  # in less than eleven seconds, on any machine
            await visitor.say(a_message(n))
        answers = [await visitor.hears() for _ in range(60)]
        assert [each["type"] for each in answers[:5]] == ["ack"] * 5
        held = [each for each in answers if each["type"] == "later"]
        assert held
        assert all(each["reason"] == "too_many" and 0 < each["after"] <= 1 for each in held)
        assert (await other.asks(a_message()))["type"] == "ack"  # his neighbour is not held up
        left = [each["id"] for each in held[:3]]  # what was not taken may be sent again
        async with asyncio.timeout(60):
            while left:
                answer = await visitor.asks(a_message(int(left[0].removeprefix("message-"))))
                if answer["type"] == "ack":
                    left.pop(0)
                else:
                    await asyncio.sleep(answer["after"])
        assert len(await rig.messages()) == 1 + 60 - len(held) + min(3, len(held))


@pytest.mark.parametrize(
    "frame",
    [
        "no json",
        "[]",
        "7",
        '{"type": "__class__"}',
        '{"type": "begin"}',
        '{"type": "message"}',
        '{"type": "message", "id": "message-0001", "text": "x", "session": "another"}',
        '{"type": "message", "id": "../../etc", "text": "x"}',
        '{"type": "message", "id": "message-0001", "text": 7}',
        '{"type": "message", "id": "message-0001", "text": "' + "x" * (LONGEST_TEXT + 1) + '"}',
        '{"type": "message", "id": "message-0001", "text": "  "}',
        '{"type": "message", "id": "message-0001", "attachments": [{"upload": "' + "A" * 94 + '", "name": "", "size": 1}]}',  # noqa: E501
        '{"type": "rating", "id": "message-0001", "rating": "best"}',
        '{"type": "hello"}',
        '{"type": "listen"}',
        "[" * 10_000,
        '{"type": "message", "id": "message-0001", "text": "\\ud800"}',
    ],
)  # fmt: skip
async def test_what_is_no_frame_is_refused_and_the_conversation_goes_on(tmp_path: Path, frame: str) -> None:
    async with ChatRig.window(tmp_path).running() as rig, rig.visitor() as visitor:
        await visitor.begins()
        answer = await visitor.asks(frame)
        assert answer["type"] == "refused"
        assert answer.get("id") == next((id_ for id_ in ("message-0001", "../../etc") if id_ in frame), None)
        assert (await visitor.asks(a_message(2)))["type"] == "ack"
        assert await rig.texts() == ["word-2"]


async def test_one_who_only_talks_nonsense_is_hung_up_on(tmp_path: Path) -> None:
    async with ChatRig.window(tmp_path).running() as rig, rig.visitor() as visitor:
        for _ in range(10):
            assert (await visitor.asks("nonsense"))["type"] == "refused"
        with pytest.raises(ConnectionClosed):
            await visitor.hears()


async def test_a_frame_of_more_than_16_kib_ends_it(tmp_path: Path) -> None:
    async with ChatRig.window(tmp_path).running() as rig, rig.visitor() as visitor:
        await visitor.begins()
        await visitor.say(json.dumps(a_message(padding="x" * 16 * 1024)))
        with pytest.raises(ConnectionClosed):
            await visitor.hears()
        assert visitor.socket.close_code == 1009
        assert (await rig.post(a_message(padding="x" * 16 * 1024))).status == 413


async def test_what_was_said_meanwhile_is_there_when_they_return_to_any_process(tmp_path: Path) -> None:
    bus = MemoryBus()
    first, second = ChatRig.window(tmp_path, bus=bus), ChatRig.window(tmp_path, bus=bus)
    async with first.running(), second.running():
        async with first.visitor() as visitor:
            token = (await visitor.begins()).token
            await visitor.asks(a_message())
        session = await first.conversation()
        await first.answers("One", to=session, reply_id="reply-0001")
        await first.answers("To another", to="somebody", reply_id="reply-0002")
        await first.answers("Three", to=session, reply_id="reply-0003", attempt=2)
        async with second.visitor() as again:
            await again.returns(token, "reply-0001")
            assert (await again.hears())["text"] == "Three"
            # an attempt after the first shows nothing twice
            await first.answers("Three", to=session, reply_id="reply-0003", attempt=3)
            await first.answers("Four", to=session, reply_id="reply-0004")
            assert (await again.hears())["text"] == "Four"
            # and nobody says of a reply to somebody else that it was shown
            await again.asks({"type": "got", "ids": ["reply-0002", "reply-0004"]})
    assert shown(bus) == ["reply-0004"]
    third = ChatRig.window(tmp_path, bus=bus)
    async with third.running(), third.visitor() as visitor:
        await visitor.returns(token)
        assert [(await visitor.hears())["text"] for _ in range(3)] == ["One", "Three", "Four"]


async def test_a_pause_ends_conversations_so_that_they_come_back(tmp_path: Path) -> None:
    async with ChatRig.window(tmp_path).running() as rig, rig.visitor() as visitor:
        token = (await visitor.begins()).token
        await rig.close()
        with pytest.raises(ConnectionClosed):
            await visitor.hears()
        assert visitor.socket.close_code == 1012
        rig.open()
        await asyncio.sleep(0)
        async with rig.visitor() as again:
            assert (await again.returns(token))["type"] == "welcome"


async def test_a_rating_is_taken(tmp_path: Path) -> None:
    async with ChatRig.window(tmp_path).running() as rig, rig.visitor() as visitor:
        await visitor.begins()
        rating: dict[str, Any] = {"type": "rating", "id": "rating-0001", "rating": "good", "text": "Thanks"}
        assert (await visitor.asks(rating))["type"] == "ack"
        (found,) = (await rig.messages()).values()
        assert found.message.automation.reason == "chat:rating"
        assert (found.message.text, found.message.fields) == ("Thanks", {"rating": "good"})
