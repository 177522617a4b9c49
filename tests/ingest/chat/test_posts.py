"""What the window posts and asks for by HTTP: frames, files, words; and from which pages."""

import asyncio
import hashlib
from pathlib import Path

import pytest
from websockets.exceptions import InvalidStatus

from tests.ingest.chat.visiting import FRAMES, SITE, UPLOADS, ChatRig, a_message
from tests.ingest.intake.rig import NAME
from tests.ingest.memory_replies import shown


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


async def test_outside_working_hours_it_is_said(tmp_path: Path) -> None:
    never: dict[str, list[str]] = {
        day: [] for day in ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
    }
    for hours, online in ((never, False), ({day: ["00:00-24:00"] for day in never}, True)):
        async with ChatRig.window(tmp_path, hours=hours).running() as rig, rig.visitor() as visitor:
            assert (await visitor.asks({"type": "hello"}))["online"] is online
            told = await rig.ask(f"/in/{NAME}/chat.json?language=ja", b"", method="GET")
            assert (told.json()["online"], told.json()["words"]["send"]) == (online, "送信")
