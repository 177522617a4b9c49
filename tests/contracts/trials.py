"""The ways into each connector, as the contract sees them: an instance over the bus in memory, and its source."""

import asyncio
import contextlib
import json
import re
from abc import abstractmethod
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path
from typing import Any

from bus.blobs import BlobStore, FolderBlobs
from bus.health import Health
from bus.intake_settings import IntakeSettings
from bus.memory import MemoryBus
from bus.raw import Inline
from ingest.connectors.chat import CHAT
from ingest.connectors.email_imap import EMAIL_IMAP
from ingest.connectors.email_smtp import EMAIL_SMTP
from ingest.connectors.web_form import WEB_FORM
from ingest.connectors.website import WEBSITE
from ingest.contract import Connector, Place, Receiver
from ingest.emitting import Emitting
from ingest.intake.route import HttpRoute
from ingest.intake.server import IntakeServer
from ingest.intake.settings import WebSettings
from tests.contracts.connector_contract import Trial, Valve, raw_of
from tests.ingest.imap.scripted_server import ScriptedImap
from tests.ingest.intake.rig import Answer
from tests.ingest.intake.rig import Client as HttpClient
from tests.ingest.memory_cursors import MemoryCursors
from tests.ingest.receiving import DESK
from tests.ingest.receiving import Client as SmtpClient
from tests.providers.cases import CASES, Case

NAME = "public"
"""As the providers know it (tests.providers.cases): Twilio signs the whole address."""
_PATIENCE = 60.0


class _Trial:
    """What trials share: the bus, the instance that runs now, and how to end it and make another."""

    def __init__(self, row: Connector[Any], folder: Path, settings: Mapping[str, object]) -> None:
        self.row = row
        self.name = NAME
        self.bus = MemoryBus()
        self.blobs: BlobStore = FolderBlobs(folder / "blobs")
        self.valve = Valve(Emitting(row, NAME, self.bus.publisher(), self.blobs, counted=lambda _: None))
        self.cursors = MemoryCursors()
        self.settings = row.settings.model_validate({"type": row.name, **settings})
        self.announced: dict[str, str] = {}
        self._folder = folder
        self._running: asyncio.Task[None] | None = None
        self._stack = contextlib.AsyncExitStack()

    def word(self, n: int) -> str:
        return f"word-{n}"

    def place(self) -> Place:
        return Place(NAME, self._folder, self.blobs, self.cursors, Health(), self.announced.update)

    @property
    def stands_still(self) -> bool:
        return self._running is None or self._running.done()

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
    """Reached by HTTP."""

    async def start(self) -> None:
        server = IntakeServer(IntakeSettings(port=0, public_url="https://desk.example"), Health())
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

    async def _post(self, path: str, body: bytes, headers: Mapping[str, str]) -> bool:
        async with HttpClient(self._base) as client:
            return 200 <= (await client.ask("POST", f"/in/{NAME}{path}", body, headers)).status < 300


class FormTrial(HttpTrial):
    """`path`: where items are posted."""

    def __init__(self, row: Connector[Any], folder: Path, settings: Mapping[str, object], path: str) -> None:
        super().__init__(row, folder, settings)
        self._path = path

    async def deliver(self, n: int) -> bool:
        item = {"id": f"item-{n}-of-a-nonce-that-is-long", "email": "ana@customer.example", "text": self.word(n)}
        return await self._post(self._path, json.dumps(item | await self._given_out()).encode(), _JSON)

    async def poison(self) -> None:
        assert not await self._post(self._path, b"\xff\x00{" * 100, _JSON)

    async def _given_out(self) -> dict[str, str]:
        async with HttpClient(self._base) as client:
            page = (await client.ask("GET", f"/in/{NAME}/")).body.decode()
        return {"_stamp": found[0]} if (found := re.findall(r'name="_stamp" value="([^"]+)"', page)) else {}


class WindowTrial(HttpTrial):
    """A visitor's window, by HTTP."""

    def __init__(self, folder: Path) -> None:
        super().__init__(CHAT, folder, {"allowed_origins": ["https://www.example.com"]})
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
        headers = _JSON | {"authorization": f"Bearer {self._token}"}
        async with HttpClient(self._base) as client:
            return await client.ask("POST", f"/in/{NAME}/frames", json.dumps(frame).encode(), headers)


class WebhookTrial(HttpTrial):
    """Told by a provider."""

    def __init__(self, case: Case, folder: Path) -> None:
        super().__init__(case.row, folder, case.settings())
        self._case = case
        self._deliveries: dict[int, tuple[Mapping[str, str], bytes]] = {}

    def word(self, n: int) -> str:
        return self._case.word(n)

    async def deliver(self, n: int) -> bool:
        if n not in self._deliveries:
            self._deliveries[n] = self._case.write(self.word(n))[0]
        return await self._told(*self._deliveries[n])

    async def poison(self) -> None:
        assert await self._told(*self._case.nonsense())  # or the provider would send it for ever

    async def _told(self, headers: Mapping[str, str], body: bytes) -> bool:
        assert self.row.web
        routes = self.row.web(self.settings, self.place())
        path = next(route.path for route in routes if isinstance(route, HttpRoute))
        return await self._post(path, body, headers)


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


class _AskedTrial(_Trial):
    """What asks its source. `_put`: the source has it; `_known`: whether we have taken it for good."""

    async def start(self) -> None:
        await self.restart()

    async def restart(self) -> None:
        if self._running:
            await self.end()
        self._place = self.place()
        assert self.row.receiver
        self._receiver = self.row.receiver(self.settings, self._place)
        await self.resume()
        await self._holds(lambda: NAME in self.cursors.stored)

    async def resume(self) -> None:
        await self.run(self._receiver)

    async def deliver(self, n: int) -> bool:
        known = self._put(n)
        failures = self.valve.failures
        await self._holds(lambda: known() or self.valve.failures > failures or self.stands_still)
        return known()

    @abstractmethod
    def _put(self, n: int) -> Callable[[], bool]: ...

    async def _holds(self, holds: Callable[[], bool]) -> None:
        async with asyncio.timeout(_PATIENCE):
            while not holds():  # a source tells nobody
                await asyncio.sleep(0.005)


class PolledTrial(_AskedTrial):
    """A provider that is asked."""

    def __init__(self, case: Case, folder: Path) -> None:
        super().__init__(case.row, folder, case.settings())
        self._case = case
        self._written: set[int] = set()

    def word(self, n: int) -> str:
        return self._case.word(n)

    def _put(self, n: int) -> Callable[[], bool]:
        if n not in self._written:
            self._case.write(self.word(n))
            self._written.add(n)
        looks: set[object] = set()

        def known() -> bool:
            """It stands on its topic, and a look after that has ended well."""
            word = self.word(n).encode()
            if not any(word in raw.payload.base64 for raw in raw_of(self) if isinstance(raw.payload, Inline)):
                return False
            looks.add(self._place.source.last_success_at)
            return len(looks) > 1

        return known

    async def poison(self) -> None:
        self._case.write_nonsense()


class ImapTrial(_AskedTrial):
    """A mailbox. An item that was taken and is delivered again is another copy of the mail."""

    def __init__(self, server: ScriptedImap, port: int, folder: Path) -> None:
        given = {"addresses": [DESK], "host": "127.0.0.1", "port": port, "security": "none", "username": DESK}
        super().__init__(EMAIL_IMAP, folder, given | {"password": "geheim", "poll_every": 0.05})
        self._server = server
        self._uids: dict[int, int] = {}

    def _put(self, n: int) -> Callable[[], bool]:
        uid = self._uids.get(n)
        if uid is None or self._is_seen(uid):
            uid = self._uids[n] = self._copy(n)
        return lambda: self._is_seen(uid)

    def _is_seen(self, uid: int) -> bool:
        return r"\Seen" in self._server.mails[uid].flags

    def _copy(self, n: int) -> int:
        head = f"From: ana@customer.example\r\nMessage-ID: <{n}@customer.example>\r\nSubject: x\r\n"
        return self._server.add(f"{head}\r\n{self.word(n)}\r\n".encode())

    async def poison(self) -> None:
        self._server.add(b"From: " + b"(" * 5_000 + b"\r\nContent-Type: multipart/mixed; boundary=\xff\r\n\r\n\x00\r\n")


_JSON = {"content-type": "application/json"}


@asynccontextmanager
async def _started(trial: Any) -> AsyncIterator[Trial]:  # noqa: ANN401  # one of these
    await trial.start()
    try:
        yield trial
    finally:
        await trial.end()


@asynccontextmanager
async def _email_smtp(folder: Path) -> AsyncIterator[Trial]:
    async with _started(SmtpTrial(EMAIL_SMTP, folder, {"addresses": [DESK], "port": 0})) as trial:
        yield trial


@asynccontextmanager
async def _email_imap(folder: Path) -> AsyncIterator[Trial]:
    server = ScriptedImap()
    async with server.serving() as port, _started(ImapTrial(server, port, folder)) as trial:
        yield trial


@asynccontextmanager
async def _website(folder: Path) -> AsyncIterator[Trial]:
    async with _started(FormTrial(WEBSITE, folder, {}, "/tickets")) as trial:
        yield trial


@asynccontextmanager
async def _web_form(folder: Path) -> AsyncIterator[Trial]:
    async with _started(FormTrial(WEB_FORM, folder, {"minimum_seconds": 0}, "/submissions")) as trial:
        yield trial


@asynccontextmanager
async def _window(folder: Path) -> AsyncIterator[Trial]:
    async with _started(WindowTrial(folder)) as trial:
        yield trial


def _provider(name: str, way: type[WebhookTrial] | type[PolledTrial]) -> "Ready":
    @asynccontextmanager
    async def ready(folder: Path) -> AsyncIterator[Trial]:
        with CASES[name]() as case:
            async with _started(way(case, folder)) as trial:
                yield trial

    return ready


Ready = Callable[[Path], AbstractAsyncContextManager[Trial]]
TOLD: Mapping[str, Ready] = {
    "email-smtp": _email_smtp,
    "website": _website,
    "web_form": _web_form,
    "chat window": _window,
    **{name: _provider(name, WebhookTrial) for name in CASES},
}
"""Connectors whose source comes to them, some in several ways."""
ASKING: Mapping[str, Ready] = {
    "email-imap": _email_imap,
    **{name: _provider(name, PolledTrial) for name in CASES if name not in ("phone", "chat")},
}
"""Connectors that ask their source. One may be in both."""
