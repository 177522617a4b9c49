"""A running `email-imap` receiver over the bus in memory."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Sequence
from pathlib import Path

from bus.blobs import FolderBlobs
from bus.health import Health
from bus.memory import MemoryBus
from bus.raw import Inline, RawMessage
from bus.record import Position
from ingest.connectors.email_imap import EMAIL_IMAP
from ingest.contract import Emit, Place
from ingest.emitting import Emitting
from ingest.imap.settings import EmailImapSettings
from tests.ingest.memory_cursors import MemoryCursors

NAME = "support-box"
DESK = "support@desk.example"


class Rig:
    """What a test needs of a mailbox's receiver. A second `running` is a second process with the first one's cursor."""

    def __init__(self, folder: Path, port: int, **settings: object) -> None:
        self.bus = MemoryBus()
        self.cursors = MemoryCursors()
        self._folder = folder
        given = {
            "addresses": [DESK],
            "host": "127.0.0.1",
            "port": port,
            "security": "none",
            "username": DESK,
            "poll_every": 0.05,
            "timeouts": {"read": 10.0},
        }
        given |= {} if "oauth2" in settings else {"password": "geheim"}
        self.settings = EmailImapSettings.model_validate(given | settings)
        self.place = self._place()
        self.before_emit: Callable[[], None] = lambda: None

    def _place(self) -> Place:
        folder = self._folder
        return Place(NAME, folder, FolderBlobs(folder / "blobs"), self.cursors, Health(), lambda **_: None)

    @property
    def mails(self) -> list[RawMessage]:
        return [RawMessage.from_json(record.value or b"") for record in self.bus.records("raw.email")]

    @property
    def contents(self) -> list[bytes]:
        return [raw.payload.base64 for raw in self.mails if isinstance(raw.payload, Inline)]

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator["Rig"]:
        self.place = self._place()
        assert EMAIL_IMAP.receiver is not None
        receiver = EMAIL_IMAP.receiver(self.settings, self.place)
        emitting: Emit = Emitting(EMAIL_IMAP, NAME, self.bus.publisher(), self.place.blobs, counted=lambda _: None)

        async def emit(*raw: RawMessage) -> Sequence[Position]:
            self.before_emit()
            return await emitting(*raw)

        task = asyncio.create_task(receiver.run(emit))
        try:
            yield self
            if task.done():
                task.result()
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)


async def until(holds: Callable[[], bool]) -> None:
    """Wait for it, a minute at most."""
    async with asyncio.timeout(60):
        while not holds():
            await asyncio.sleep(0.01)


def mail(number: int, **headers: str) -> bytes:
    """A mail of its own."""
    given = {
        "From": "Ana <ana@customer.example>",
        "To": DESK,
        "Subject": f"question {number}",
        "Message-ID": f"<{number}@customer.example>",
    }
    given |= headers
    head = "".join(f"{name.replace('_', '-')}: {value}\r\n" for name, value in given.items())
    return f"{head}\r\ntext of {number}\r\n".encode()
