"""A running intake server over the bus in memory, and a client that speaks bytes."""

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self
from urllib.parse import urlsplit

from starlette.responses import JSONResponse, Response

from bus.blobs import FolderBlobs
from bus.health import Health
from bus.intake_settings import IntakeSettings
from bus.memory import MemoryBus
from bus.message import Channel
from bus.raw import Inline, RawMessage
from bus.record import Position
from bus.topics import raw_topic
from ingest.contract import Connector, ConnectorSettings, Emit, Place
from ingest.emitting import Emitting
from ingest.intake.entrance import Entrance
from ingest.intake.raw_request import raw_request
from ingest.intake.route import Accept, HttpRoute, Incoming, Route
from ingest.intake.server import IntakeServer
from ingest.intake.settings import Rates, WebSettings
from ingest.live_replies import LiveReplies
from tests.ingest.memory_cursors import MemoryCursors
from tests.ingest.memory_replies import MemoryReplies

NAME = "hook"
UNLIMITED = Rates(per_source=10_000_000, burst=1_000_000, per_second=1_000_000)


@dataclass
class Answer:
    """What a server said."""

    status: int
    headers: list[tuple[str, str]]
    body: bytes

    def header(self, name: str) -> str | None:
        return next((value for known, value in self.headers if known == name.lower()), None)

    def json(self) -> Any:  # noqa: ANN401  # any JSON
        return json.loads(self.body)


class Client:
    """One connection."""

    def __init__(self, base: str, *, local: str | None = None) -> None:
        self._at = urlsplit(base)
        self._local = local

    async def __aenter__(self) -> Self:
        assert self._at.hostname
        self.reader, self.writer = await asyncio.open_connection(
            self._at.hostname, self._at.port, limit=2**22, local_addr=(self._local, 0) if self._local else None
        )
        return self

    async def __aexit__(self, *_: object) -> None:
        self.writer.close()
        with contextlib.suppress(ConnectionError):
            await self.writer.wait_closed()

    async def send(self, data: bytes) -> None:
        self.writer.write(data)
        await self.writer.drain()

    async def head(self, method: str, path: str, headers: Sequence[tuple[str, str]] | Mapping[str, str] = ()) -> None:
        pairs = headers.items() if isinstance(headers, Mapping) else headers
        lines = [f"{method} {path} HTTP/1.1", f"host: {self._at.netloc}", *(f"{n}: {v}" for n, v in pairs)]
        await self.send("\r\n".join(lines).encode() + b"\r\n\r\n")

    async def ask(
        self,
        method: str,
        path: str,
        body: bytes = b"",
        headers: Sequence[tuple[str, str]] | Mapping[str, str] = (),
    ) -> Answer:
        pairs = list(headers.items() if isinstance(headers, Mapping) else headers)
        if body or method == "POST":
            pairs.append(("content-length", str(len(body))))
        await self.head(method, path, pairs)
        with contextlib.suppress(ConnectionError):
            await self.send(body)
        return await self.answer(method)

    async def answer(self, method: str = "POST") -> Answer:
        """The next answer. Raises EOFError when the server has hung up."""
        async with asyncio.timeout(30):
            lines = (await self.reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
            status = int(lines[0].split(" ")[1])
            pairs = [(name.lower(), value.strip()) for name, _, value in (line.partition(":") for line in lines[1:-2])]
            length = int(next((value for name, value in pairs if name == "content-length"), "0"))
            body = await self.reader.readexactly(length) if method != "HEAD" and status != 204 else b""
            return Answer(status, pairs, body)


class IntakeRig:
    """A server with some routes of a connector; what they accept stands on `bus`."""

    def __init__(
        self,
        folder: Path,
        routes: Sequence[Route] = (),
        *,
        channel: Channel = "web_form",
        rates: Rates = UNLIMITED,
        bus: MemoryBus | None = None,
        **intake: Any,  # noqa: ANN401  # settings of any kind
    ) -> None:
        self.bus = bus or MemoryBus()
        self.health = Health()
        self.settings = IntakeSettings.model_validate({"port": 0} | intake)
        self.server = IntakeServer(self.settings, self.health)
        self.place = Place(
            name=NAME,
            data=folder,
            blobs=FolderBlobs(folder / "blobs"),
            cursors=MemoryCursors(),
            health=self.health,
            announce=lambda **_: None,
            live=LiveReplies(NAME, MemoryReplies(self.bus, channel)),
        )
        self.channel: Channel = channel
        row = Connector(name="test", channel=channel, settings=ConnectorSettings, raw_key=lambda raw: raw.remote or "")
        self.emit: Emit = Emitting(row, NAME, self.bus.publisher(), self.place.blobs, counted=lambda _: None)
        self._mounted: list[tuple[str, Sequence[Route], Rates]] = [(NAME, routes, rates)] if routes else []
        self.entrances: dict[str, Entrance] = {}
        self._doors: dict[str, asyncio.Task[None]] = {}
        self.base = ""

    @classmethod
    def of(cls, row: Connector[Any], folder: Path, settings: Mapping[str, object], **intake: Any) -> Self:  # noqa: ANN401
        """With a real connector's routes."""
        rig = cls(folder, channel=row.channel, **intake)
        section = row.settings.model_validate({"type": row.name, **settings})
        assert row.web
        assert isinstance(section, WebSettings)
        rig.emit = Emitting(row, NAME, rig.bus.publisher(), rig.place.blobs, counted=lambda _: None)
        rig._mounted.append((NAME, row.web(section, rig.place), section.rates))
        return rig

    async def _emit(self, *raw: RawMessage) -> Sequence[Position]:
        return await self.emit(*raw)

    @property
    def raw(self) -> list[RawMessage]:
        """What was accepted."""
        return [RawMessage.from_json(record.value or b"") for record in self.bus.records(raw_topic(self.channel))]

    async def payload(self, raw: RawMessage) -> bytes:
        """Its bytes, wherever they are."""
        return raw.payload.base64 if isinstance(raw.payload, Inline) else await self.place.blobs.get(raw.payload.blob)

    def open(self, name: str = NAME) -> None:
        """Let requests in."""
        self._doors[name] = asyncio.create_task(self.entrances[name].run(self._emit))

    async def close(self, name: str = NAME) -> None:
        """As a pause does."""
        self._doors[name].cancel()
        await asyncio.gather(self._doors[name], return_exceptions=True)

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator[Self]:
        for name, routes, rates in self._mounted:
            self.entrances[name] = self.server.mount(name, routes, rates)
        async with self.server.serving() as self.base:
            for name in self.entrances:
                self.open(name)
            await asyncio.sleep(0)  # the entrances have begun
            try:
                yield self
            finally:
                for name in self.entrances:
                    await self.close(name)

    def client(self, *, local: str | None = None) -> Client:
        return Client(self.base, local=local)

    async def ask(
        self,
        path: str = f"/in/{NAME}/take",
        body: bytes = b"x=1",
        headers: Sequence[tuple[str, str]] | Mapping[str, str] = (),
        *,
        method: str = "POST",
        local: str | None = None,
    ) -> Answer:
        """One request on a connection of its own."""
        async with self.client(local=local) as client:
            return await client.ask(method, path, body, headers)


async def take(incoming: Incoming, accept: Accept) -> Response:
    """A handler that takes whatever comes."""
    await accept(raw_request(incoming, "web_form", NAME))
    return JSONResponse(
        {"path": incoming.path, "url": incoming.url, "remote": incoming.remote, "bytes": len(incoming.body)},
        status_code=202,
    )


TAKE = HttpRoute("/take", take)
