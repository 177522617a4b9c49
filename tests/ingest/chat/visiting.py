"""A chat with a server, what its visitors say by hand, and what the desk answers."""

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import websockets
from websockets.typing import Origin

from bus.memory import MemoryBus
from bus.reply import Recipient, Reply
from ingest.connectors.chat import CHAT
from normalize.chat.normalize import normalize_chat
from normalize.outcome import Understood
from tests.ingest.intake.rig import NAME, Answer, IntakeRig
from tests.ingest.memory_replies import say

SITE = "https://www.shop.example"
FRAMES, UPLOADS = f"/in/{NAME}/frames", f"/in/{NAME}/uploads"


class ChatRig(IntakeRig):
    """A process with the window; another with the same bus and folder is the same connector's."""

    @classmethod
    def window(cls, folder: Path, *, bus: MemoryBus | None = None, **settings: Any) -> "ChatRig":  # noqa: ANN401
        given = {"allowed_origins": [SITE, "http://127.0.0.1"], "rates": {"per_source": 10**6, "burst": 10**5}}
        return cls.of(CHAT, folder, given | settings, **({"bus": bus} if bus else {}))

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator["ChatRig"]:
        async with super().running():
            hearing = asyncio.create_task(self.place.live.run())
            try:
                yield self
            finally:
                hearing.cancel()
                await asyncio.gather(hearing, return_exceptions=True)

    async def messages(self) -> dict[str, Understood]:
        """What was taken, by message id: what was sent twice is there once."""
        found: dict[str, Understood] = {}
        for raw in self.raw:
            for outcome in normalize_chat(raw, await self.payload(raw)):
                assert isinstance(outcome, Understood)
                found[outcome.message.message_id] = outcome
        return found

    async def texts(self) -> list[str]:
        """Their texts, in order of arrival."""
        return [str(each.message.text) for each in (await self.messages()).values()]

    async def conversation(self) -> str:
        """The only one there is."""
        (session,) = {raw.headers[":session"] for raw in self.raw}
        return session

    async def conversation_of(self, text: str) -> str:
        """The one in which this was said."""
        (found,) = {raw.headers[":session"] for raw in self.raw if text.encode() in await self.payload(raw)}
        return found

    async def answers(self, text: str, *, to: str, reply_id: str, **given: Any) -> Reply:  # noqa: ANN401
        """An agent writes to a conversation."""
        fields: dict[str, Any] = {
            "reply_id": reply_id, "ticket_id": "t1", "number": 7, "channel": "chat", "account": NAME,
            "purpose": "reply", "created_at": datetime.now(UTC), "text": text, "provider_thread": to,
            "recipient": Recipient(kind="chat", address=to),
        }  # fmt: skip
        reply = Reply(**(fields | given))
        await say(self.bus, reply)
        return reply

    @contextlib.asynccontextmanager
    async def visitor(self, origin: str | None = SITE, query: str = "") -> AsyncIterator["Visitor"]:
        """One who speaks frames."""
        url = self.base.replace("http", "ws", 1) + f"/in/{NAME}/socket{query}"
        async with websockets.connect(url, origin=Origin(origin) if origin else None) as socket:
            yield Visitor(socket)

    async def post(self, frame: Mapping[str, object], token: str | None = None, **headers: str) -> Answer:
        """One frame by HTTP."""
        more = {"authorization": f"Bearer {token}"} if token else {}
        body = json.dumps(frame).encode()
        return await self.ask(FRAMES, body, {"content-type": "application/json", "origin": SITE} | more | headers)


class Visitor:
    """One socket."""

    def __init__(self, socket: websockets.ClientConnection) -> None:
        self.socket = socket
        self.token = ""

    async def say(self, frame: Mapping[str, object] | str) -> None:
        await self.socket.send(frame if isinstance(frame, str) else json.dumps(frame))

    async def hears(self) -> dict[str, Any]:
        async with asyncio.timeout(30):
            found: dict[str, Any] = json.loads(await self.socket.recv())
            return found

    async def asks(self, frame: Mapping[str, object] | str) -> dict[str, Any]:
        await self.say(frame)
        return await self.hears()

    async def begins(self, **more: object) -> "Visitor":
        welcome = await self.asks({"type": "hello", **more})
        assert welcome["type"] == "welcome"
        self.token = welcome["token"]
        return self

    async def returns(self, token: str, *have: str, **more: object) -> dict[str, Any]:
        return await self.asks({"type": "resume", "token": token, "have": have, **more})


def a_message(n: int = 1, **more: object) -> dict[str, object]:
    return {"type": "message", "id": f"message-{n:04}", "text": f"word-{n}", **more}
