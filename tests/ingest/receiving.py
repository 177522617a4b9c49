"""A running SMTP receiver over the bus in memory, and a client that speaks bytes."""

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from typing import Self

from bus.blobs import FolderBlobs
from bus.health import Health
from bus.memory import MemoryBus
from bus.raw import RawMessage
from bus.record import Position, Received
from ingest.connectors.email_smtp import EMAIL_SMTP
from ingest.contract import Emit, Place
from ingest.emitting import Emitting
from ingest.smtp.settings import EmailSmtpSettings
from tests.ingest.memory_cursors import MemoryCursors

DESK = "support@desk.example"
NAME = "support-mail"


class Rig:
    """What a test needs of a receiver: where it listens, what it emitted, and how to get in its way."""

    def __init__(self, folder: Path, **settings: object) -> None:
        self.bus = MemoryBus()
        self.announced: dict[str, str] = {}
        self.place = Place(
            name=NAME,
            data=folder,
            blobs=FolderBlobs(folder / "blobs"),
            cursors=MemoryCursors(),
            health=Health(),
            announce=self.announced.update,
        )
        self.settings = EmailSmtpSettings.model_validate({"addresses": [DESK], "port": 0} | settings)
        assert EMAIL_SMTP.receiver
        self.receiver = EMAIL_SMTP.receiver(self.settings, self.place)
        self.emitted = 0
        self.emit: Emit = Emitting(EMAIL_SMTP, NAME, self.bus.publisher(), self.place.blobs, counted=self._count)

    def _count(self, records: int) -> None:
        self.emitted += records

    async def _emit(self, *raw: RawMessage) -> Sequence[Position]:
        return await self.emit(*raw)

    @property
    def port(self) -> int:
        return int(self.announced["smtp"].rpartition(":")[2])

    @property
    def records(self) -> list[Received]:
        return self.bus.records("raw.email")

    @property
    def mails(self) -> list[RawMessage]:
        return [RawMessage.from_json(record.value or b"") for record in self.records]

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator[Self]:
        self.announced.clear()
        task = asyncio.create_task(self.receiver.run(self._emit))
        try:
            while not self.announced:
                if task.done():
                    task.result()
                await asyncio.sleep(0.005)
            yield self
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)


class Client:
    """A client that sends any bytes and reads whole replies."""

    def __init__(self, port: int, *, hello: bool = True) -> None:
        self._port = port
        self._hello = hello

    async def __aenter__(self) -> Self:
        self.reader, self.writer = await asyncio.open_connection("127.0.0.1", self._port, limit=2**20)
        self.greeting = await self.reply()
        if self._hello and self.greeting.startswith("220"):
            await self.says("EHLO client.example")
        return self

    async def __aexit__(self, *_: object) -> None:
        self.writer.close()
        with contextlib.suppress(ConnectionError):
            await self.writer.wait_closed()

    async def send(self, data: bytes) -> None:
        self.writer.write(data)
        await self.writer.drain()

    async def reply(self) -> str:
        """One reply, all its lines; empty when the server has hung up."""
        lines: list[str] = []
        async with asyncio.timeout(15):
            while True:
                line = (await self.reader.readline()).decode()
                lines.append(line.rstrip("\r\n"))
                if line[3:4] != "-":
                    return "\n".join(lines)

    async def says(self, line: str | bytes) -> str:
        await self.send((line.encode() if isinstance(line, str) else line) + b"\r\n")
        return await self.reply()

    async def begins(self, sender: str = "c@customer.example", to: str = DESK) -> None:
        """Up to the 354."""
        assert (await self.says(f"MAIL FROM:<{sender}>")).startswith("250")
        assert (await self.says(f"RCPT TO:<{to}>")).startswith("250")
        assert (await self.says("DATA")).startswith("354")

    async def mails(self, data: bytes = b"Subject: x\r\n\r\nhello\r\n", sender: str = "c@customer.example") -> str:
        await self.begins(sender)
        await self.send(data + b".\r\n")
        return await self.reply()

    def vanish(self) -> None:
        """Hang up hard, as a client that dies."""
        sock: socket.socket = self.writer.get_extra_info("socket")
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\x01\x00\x00\x00\x00\x00\x00\x00")
        self.writer.transport.abort()
