"""Connectors keep the contract: those that are delivered to by SMTP and by HTTP."""

import asyncio
import contextlib
import json
import re
from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from typing import Any

import pytest_asyncio

from bus.blobs import BlobStore, FolderBlobs
from bus.health import Health
from bus.intake_settings import IntakeSettings
from bus.memory import MemoryBus
from ingest.connectors.chat import CHAT
from ingest.connectors.email_smtp import EMAIL_SMTP
from ingest.connectors.web_form import WEB_FORM
from ingest.connectors.website import WEBSITE
from ingest.contract import Connector, Place, Receiver
from ingest.emitting import Emitting
from ingest.intake.server import IntakeServer
from ingest.intake.settings import WebSettings
from tests.contracts.connector_contract import ConnectorContract, Trial, Valve
from tests.ingest.intake.rig import Answer
from tests.ingest.intake.rig import Client as HttpClient
from tests.ingest.memory_cursors import MemoryCursors
from tests.ingest.receiving import DESK
from tests.ingest.receiving import Client as SmtpClient

NAME = "trial"


class _Trial:
    """What trials share: the bus, the instance that runs now, and how to end it and make another."""

    def __init__(self, row: Connector[Any], folder: Path, settings: Mapping[str, object]) -> None:
        self.row = row
        self.name = NAME
        self.bus = MemoryBus()
        self.blobs: BlobStore = FolderBlobs(folder / "blobs")
        self.valve = Valve(Emitting(row, NAME, self.bus.publisher(), self.blobs, counted=lambda _: None))
        self.settings = row.settings.model_validate({"type": row.name, **settings})
        self.announced: dict[str, str] = {}
        self._folder = folder
        self._running: asyncio.Task[None] | None = None
        self._stack = contextlib.AsyncExitStack()

    def word(self, n: int) -> str:
        return f"word-{n}"

    def place(self) -> Place:
        return Place(NAME, self._folder, self.blobs, MemoryCursors(), Health(), self.announced.update)

    async def pause(self) -> None:
        assert self._running
        self._running.cancel()
        await asyncio.gather(self._running, return_exceptions=True)

    async def run(self, receiver: Receiver) -> None:
        self._running = asyncio.create_task(receiver.run(self.valve))
        await asyncio.sleep(0)

    async def end(self) -> None:
        self.valve.open()
        await self.pause()
        await self._stack.aclose()


class HttpTrial(_Trial):
    """`path`: where items are posted."""

    def __init__(self, row: Connector[Any], folder: Path, settings: Mapping[str, object], path: str) -> None:
        super().__init__(row, folder, settings)
        self._path = path

    async def start(self) -> None:
        server = IntakeServer(IntakeSettings(port=0), Health())
        assert self.row.web
        assert isinstance(self.settings, WebSettings)
        self._entrance = server.mount(NAME, self.row.web(self.settings, self.place()), self.settings.rates)
        self._stack = contextlib.AsyncExitStack()
        self._base = await self._stack.enter_async_context(server.serving())
        await self.resume()

    async def resume(self) -> None:
        await self.run(self._entrance)

    async def restart(self) -> None:
        await self.end()
        await self.start()

    async def deliver(self, n: int) -> bool:
        item = {"id": f"item-{n}-of-a-nonce-that-is-long", "email": "ana@customer.example", "text": self.word(n)}
        return await self._post(json.dumps(item | await self._given_out()).encode())

    async def poison(self) -> None:
        assert not await self._post(b"\xff\x00{" * 100)

    async def _given_out(self) -> dict[str, str]:
        async with HttpClient(self._base) as client:
            page = (await client.ask("GET", f"/in/{NAME}/")).body.decode()
        return {"_stamp": found[0]} if (found := re.findall(r'name="_stamp" value="([^"]+)"', page)) else {}

    async def _post(self, body: bytes) -> bool:
        async with HttpClient(self._base) as client:
            answer = await client.ask("POST", f"/in/{NAME}{self._path}", body, {"content-type": "application/json"})
            return 200 <= answer.status < 300


class SmtpTrial(_Trial):
    async def start(self) -> None:
        await self.restart()

    async def restart(self) -> None:
        if self._running:
            await self.end()
        assert self.row.receiver
        self._receiver = self.row.receiver(self.settings, self.place())
        await self.resume()

    async def resume(self) -> None:
        self.announced.clear()
        await self.run(self._receiver)
        async with asyncio.timeout(30):
            while not self.announced:
                await asyncio.sleep(0.005)

    async def deliver(self, n: int) -> bool:
        mail = (
            f"From: ana@customer.example\r\nMessage-ID: <{n}@customer.example>\r\nSubject: x\r\n\r\n{self.word(n)}\r\n"
        )
        return await self._send(mail.encode())

    async def poison(self) -> None:
        await self._send(b"From: " + b"(" * 5_000 + b"\r\nContent-Type: multipart/mixed; boundary=\xff\r\n\r\n\x00\r\n")

    async def _send(self, mail: bytes) -> bool:
        try:
            async with SmtpClient(int(self.announced["smtp"].rpartition(":")[2])) as client:
                return (await client.mails(mail)).startswith("250")
        except ConnectionError:
            return False


class ChatTrial(HttpTrial):
    """A visitor's window, by HTTP."""

    def __init__(self, folder: Path) -> None:
        super().__init__(CHAT, folder, {"allowed_origins": ["https://www.example.com"]}, "/frames")
        self._token = ""

    async def start(self) -> None:
        await super().start()
        if not self._token:
            hello = await self._ask({"type": "hello"})
            self._token = hello.json()["frames"][0]["token"]

    async def deliver(self, n: int) -> bool:
        frame = {"type": "message", "id": f"message-{n:04}", "text": self.word(n)}
        return (await self._ask(frame)).status == 200

    async def poison(self) -> None:
        frames: list[object] = [{"type": "eval"}, {"type": "message", "id": "x", "text": []}, [[[]]]]
        for frame in frames:
            assert (await self._ask(frame)).status == 422

    async def _ask(self, frame: object) -> Answer:
        headers = {"content-type": "application/json", "authorization": f"Bearer {self._token}"}
        async with HttpClient(self._base) as client:
            return await client.ask("POST", f"/in/{NAME}/frames", json.dumps(frame).encode(), headers)


class TestChat(ConnectorContract):
    @pytest_asyncio.fixture
    async def trial(self, tmp_path: Path) -> AsyncIterator[Trial]:
        trial = ChatTrial(tmp_path)
        await trial.start()
        yield trial
        await trial.end()


class TestEmailSmtp(ConnectorContract):
    @pytest_asyncio.fixture
    async def trial(self, tmp_path: Path) -> AsyncIterator[Trial]:
        trial = SmtpTrial(EMAIL_SMTP, tmp_path, {"addresses": [DESK], "port": 0})
        await trial.start()
        yield trial
        await trial.end()


class TestWebsite(ConnectorContract):
    @pytest_asyncio.fixture
    async def trial(self, tmp_path: Path) -> AsyncIterator[Trial]:
        trial = HttpTrial(WEBSITE, tmp_path, {}, "/tickets")
        await trial.start()
        yield trial
        await trial.end()


class TestWebForm(ConnectorContract):
    @pytest_asyncio.fixture
    async def trial(self, tmp_path: Path) -> AsyncIterator[Trial]:
        trial = HttpTrial(WEB_FORM, tmp_path, {"minimum_seconds": 0}, "/submissions")
        await trial.start()
        yield trial
        await trial.end()
