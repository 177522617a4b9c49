"""Whose conversation it is: tokens, and visitors that a site has signed in."""

import json
import time
from pathlib import Path

import jwt

from tests.ingest.chat.visiting import FRAMES, ChatRig, a_message

SECRET = "s" * 40


def _identity(email: str = "ana@customer.example", *, lasts: float = 600, **more: object) -> str:
    return jwt.encode({"email": email, "exp": time.time() + lasts, **more}, SECRET, algorithm="HS256")


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
