"""What the window and the server say to each other, by WebSocket and by HTTP."""

import asyncio
import hashlib
import json
import time
from pathlib import Path
from typing import Any

import jwt
import pytest
from websockets.exceptions import ConnectionClosed, InvalidStatus

from bus.memory import MemoryBus
from ingest.chat.frames import LONGEST_TEXT
from tests.ingest.chat.visiting import FRAMES, SITE, UPLOADS, ChatRig, a_message
from tests.ingest.forms.visiting import Gate
from tests.ingest.intake.rig import NAME
from tests.ingest.memory_replies import shown

SECRET = "s" * 40


def _identity(email: str = "ana@customer.example", *, lasts: float = 600, **more: object) -> str:
    return jwt.encode({"email": email, "exp": time.time() + lasts, **more}, SECRET, algorithm="HS256")


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


@pytest.mark.parametrize("origin", ["https://evil.example", "https://www.shop.example.evil.example", None])
async def test_pages_of_other_sites_open_nothing(tmp_path: Path, origin: str | None) -> None:
    async with ChatRig.window(tmp_path).running() as rig:
        with pytest.raises(InvalidStatus) as refused:
            async with rig.visitor(origin):
                pass
        assert refused.value.response.status_code == 403
        if origin:
            assert (await rig.post({"type": "hello"}, origin=origin)).status == 403
            assert (await rig.ask(UPLOADS, b"x", {"origin": origin})).status == 403


async def test_without_a_site_nothing_is_open_and_the_status_says_so(tmp_path: Path) -> None:
    async with ChatRig.window(tmp_path, allowed_origins=[]).running() as rig:
        assert (await rig.ask(FRAMES, b'{"type": "hello"}')).status == 404
        assert any("allowed_origins" in why for why in rig.health.problems.values())


async def test_the_token_counts_in_its_place_only(tmp_path: Path) -> None:
    async with ChatRig.window(tmp_path).running() as rig, rig.visitor() as visitor:
        token = (await visitor.begins()).token
        assert len(token) >= 43  # 256 bits
        assert (await rig.post(a_message(), token)).status == 200
        in_the_address = f"{FRAMES}?token={token}&authorization=Bearer+{token}"
        body = json.dumps(a_message(2)).encode()
        assert (await rig.ask(in_the_address, body, {"cookie": f"token={token}"})).status == 401
        async with rig.visitor(query=f"?token={token}") as other:
            assert (await other.asks(a_message(3)))["type"] == "refused"
        assert await rig.texts() == ["word-1"]


async def test_a_token_is_good_for_its_conversation_its_connector_and_its_time(tmp_path: Path) -> None:
    async with ChatRig.window(tmp_path / "a").running() as rig, rig.visitor() as visitor:
        token = (await visitor.begins()).token
        flipped = token[:-1] + ("A" if token[-1] != "A" else "B")
        for wrong in ("", "x", "é", flipped, "A" * 120, token[:43]):
            async with rig.visitor() as other:
                assert await other.returns(wrong) == {"type": "expired"}
                assert (await other.asks({"type": "hello"}))["type"] == "welcome"
        async with ChatRig.window(tmp_path / "b").running() as elsewhere:
            assert (await elsewhere.post(a_message(), token)).status == 401
    async with ChatRig.window(tmp_path / "a").running() as later, later.visitor() as visitor:
        assert (await visitor.returns(token))["type"] == "welcome"


async def test_a_secret_can_be_changed_without_ending_conversations(tmp_path: Path) -> None:
    old, new = "o" * 32, "n" * 32
    async with ChatRig.window(tmp_path, session_secret=old).running() as rig, rig.visitor() as visitor:
        token = (await visitor.begins()).token
    changed = ChatRig.window(tmp_path, session_secret=new, session_secret_previous=old)
    async with changed.running() as rig, rig.visitor() as visitor:
        renewed = (await visitor.returns(token))["token"]
    async with ChatRig.window(tmp_path, session_secret=new).running() as rig:
        async with rig.visitor() as visitor:
            assert (await visitor.returns(renewed))["type"] == "welcome"
        async with rig.visitor() as visitor:
            assert (await visitor.returns(token))["type"] == "expired"


async def test_who_is_logged_in_is_known_and_the_next_at_this_browser_is_somebody_else(tmp_path: Path) -> None:
    rig = ChatRig.window(tmp_path, identity_secret=SECRET)
    async with rig.running(), rig.visitor() as visitor:
        welcome = await visitor.asks({"type": "hello", "identity": _identity()})
        assert welcome["identified"]
        await visitor.asks(a_message(email="mallory@evil.example"))
        (found,) = (await rig.messages()).values()
        author = found.message.author
        assert (author.kind, author.address, author.verified) == ("email", "ana@customer.example", True)
        token = welcome["token"]
        for nobody in (
            None,
            _identity("bob@customer.example"),
            jwt.encode({"email": "ana@customer.example"}, "x" * 32),
        ):
            async with rig.visitor() as other:
                more = {"identity": nobody} if nobody else {}
                assert (await other.returns(token, **more))["type"] == "expired"
        async with rig.visitor() as later:  # her page has been open for an hour
            assert (await later.returns(token, identity=_identity(lasts=-3_600)))["identified"]
    async with ChatRig.window(tmp_path).running() as plain, plain.visitor() as visitor:
        assert not (await visitor.asks({"type": "hello", "identity": _identity()})).get("identified")


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


async def test_files_are_uploaded_and_named(tmp_path: Path) -> None:
    async with ChatRig.window(tmp_path, max_file_bytes=2_000).running() as rig, rig.visitor() as visitor:
        token = (await visitor.begins()).token
        named = {"authorization": f"Bearer {token}", "content-type": "application/octet-stream", "origin": SITE}
        assert (await rig.ask(UPLOADS, b"x" * 2_001, named)).status == 413
        assert (await rig.ask(UPLOADS, b"", named)).status == 422
        assert (await rig.ask(UPLOADS, b"x", {"origin": SITE})).status == 401
        answer = await rig.ask(UPLOADS, b"%PDF-1.4", named)
        assert answer.status == 201
        handle = answer.json()["upload"]
        attached = {"upload": handle, "name": "../bill\u202e.pdf", "media_type": "application/pdf", "size": 8}
        assert (await visitor.asks(a_message(1, attachments=[attached])))["type"] == "ack"
        (found,) = (await rig.messages()).values()
        (file,) = found.message.attachments
        assert (file.name, file.media_type, file.size) == ("bill.pdf", "application/pdf", 8)
        assert file.sha256 == hashlib.sha256(b"%PDF-1.4").hexdigest()
        assert await rig.place.blobs.get(str(file.blob)) == b"%PDF-1.4"
        assert not found.message.warnings
        async with rig.visitor() as mallory:  # what another has uploaded is not his to send
            await mallory.begins()
            refused = await mallory.asks(a_message(1, attachments=[attached]))
            assert (refused["type"], refused["reason"]) == ("refused", "upload")
        many = [attached] * 6
        assert (await visitor.asks(a_message(2, attachments=many)))["reason"] == "too_many_files"


async def test_nobody_fills_the_store(tmp_path: Path) -> None:
    async with ChatRig.window(tmp_path).running() as rig, rig.visitor() as visitor:
        token = (await visitor.begins()).token
        statuses: list[int] = []
        while 429 not in statuses:
            statuses.append((await rig.ask(UPLOADS, b"x", {"authorization": f"Bearer {token}"})).status)
        assert len(statuses) > 20
        assert set(statuses) == {201, 429}


async def test_by_http_a_frame_is_answered_by_frames(tmp_path: Path) -> None:
    async with ChatRig.window(tmp_path).running() as rig:
        (welcome,) = (await rig.post({"type": "hello"})).json()["frames"]
        token = welcome["token"]
        rig.bus.reachable = False
        away = await rig.post(a_message(), token)
        assert (away.status, away.header("retry-after"), away.json()["frames"][0]["type"]) == (503, "6", "later")
        rig.bus.reachable = True
        for _ in range(2):
            answer = await rig.post(a_message(), token)
            assert (answer.status, answer.json()) == (200, {"frames": [{"type": "ack", "id": "message-0001"}]})
        assert await rig.texts() == ["word-1"]
        session = await rig.conversation()
        listening = asyncio.create_task(rig.post({"type": "listen"}, token))
        await asyncio.sleep(0)
        await rig.answers("Yes?", to=session, reply_id="reply-0001")
        (reply,) = (await listening).json()["frames"]
        assert (reply["type"], reply["text"]) == ("reply", "Yes?")
        noted = await rig.post({"type": "got", "ids": ["reply-0001"]}, token)
        assert noted.json()["frames"] == [{"type": "noted", "ids": ["reply-0001"]}]
        assert shown(rig.bus) == ["reply-0001"]
        resumed = await rig.post({"type": "resume", "token": token})
        assert [each["type"] for each in resumed.json()["frames"]] == ["welcome", "reply"]
        assert (await rig.post({"type": "end"}, token)).json()["frames"] == [{"type": "ended"}]
        assert (await rig.post({"type": "resume", "token": "x"})).status == 401
        assert (await rig.post({"type": "ping"}, token)).json()["frames"] == [{"type": "pong"}]
        assert (await rig.post(a_message(2, text=" "), token)).status == 422
        assert (await rig.ask(FRAMES, b"nonsense", {"authorization": f"Bearer {token}"})).status == 422


async def test_one_who_listens_by_http_is_let_go_when_nothing_comes_and_when_the_process_stops(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rig = ChatRig.window(tmp_path)
    async with rig.running():
        (welcome,) = (await rig.post({"type": "hello"})).json()["frames"]
        monkeypatch.setattr("ingest.chat.posts._WAITS", 0.05)
        assert (await rig.post({"type": "listen"}, welcome["token"])).json() == {"frames": []}
        monkeypatch.setattr("ingest.chat.posts._WAITS", 600.0)
        listening = asyncio.create_task(rig.post({"type": "listen"}, welcome["token"]))
        async with asyncio.timeout(30):
            while not rig.place.live._listening:
                await asyncio.sleep(0.01)
    assert (await listening).json() == {"frames": []}


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


async def test_outside_working_hours_it_is_said(tmp_path: Path) -> None:
    never: dict[str, list[str]] = {
        day: [] for day in ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
    }
    for hours, online in ((never, False), ({day: ["00:00-24:00"] for day in never}, True)):
        async with ChatRig.window(tmp_path, hours=hours).running() as rig, rig.visitor() as visitor:
            assert (await visitor.asks({"type": "hello"}))["online"] is online
            told = await rig.ask(f"/in/{NAME}/chat.json?language=ja", b"", method="GET")
            assert (told.json()["online"], told.json()["words"]["send"]) == (online, "送信")
