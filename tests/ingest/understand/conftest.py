"""A child of its own for each test, on the session's Kafka."""

import asyncio
import contextlib
import uuid
from collections.abc import AsyncIterator, Callable, Sequence
from pathlib import Path
from typing import Self

import pytest
import pytest_asyncio

from bus.blob_settings import BlobSettings
from bus.dead_letter import DeadLetter
from bus.health import Health
from bus.kafka_settings import KafkaSettings
from bus.latest import latest_by_key, read_to_end
from bus.message import NormalizedMessage
from bus.parking import Parking
from bus.publisher import KafkaPublisher
from bus.record import Position
from bus.settings import LoggingSettings
from bus.topics import DEAD_LETTERS, create_topics, topics
from ingest.understand_parent import UnderstandingProcess
from ingest.watching import Limits
from tests.conftest import Stack
from tests.ingest.understand.records import raw_record


class Understander:
    """A parent and its child, with an account of their own on the shared topics."""

    def __init__(self, kafka: KafkaSettings, folder: Path) -> None:
        self.kafka = kafka
        self.account = f"mail-{uuid.uuid4().hex[:10]}"
        self.health = Health()
        self.journal = folder / "journal"
        self.journal.touch()
        self.blobs = BlobSettings(url=(folder / "blobs").as_uri())
        self.publisher = KafkaPublisher(kafka)
        self.counted = [0, 0]
        self.stop = asyncio.Event()
        self.process: UnderstandingProcess

    def _count(self, understood: int, parked: int) -> None:
        self.counted[0] += understood
        self.counted[1] += parked

    @contextlib.asynccontextmanager
    async def running(self, limits: Limits, child: str = "tests.ingest.understand.dying_child") -> AsyncIterator[Self]:
        await self.publisher.start()
        self.process = UnderstandingProcess(
            self.account,
            "email",
            self.kafka,
            self.blobs,
            LoggingSettings(format="json"),
            parking=Parking(self.publisher, "understand", connector=self.account),
            health=self.health,
            counted=self._count,
            limits=limits,
            child=child,
        )
        task = asyncio.create_task(self.process.run(self.stop))
        try:
            yield self
        finally:
            self.stop.set()
            await task
            await self.publisher.stop()

    async def receive(self, *payloads: bytes) -> Sequence[Position]:
        return await self.publisher.publish([raw_record(self.account, payload) for payload in payloads])

    async def messages(self) -> list[NormalizedMessage]:
        return [
            NormalizedMessage.from_json(record.value or b"")
            async for record in read_to_end(self.kafka, ["messages.email"])
            if record.headers.get("ce_source") == f"/connectors/{self.account}".encode()
        ]

    async def texts(self) -> set[str]:
        return {str(message.text) for message in await self.messages()}

    async def letters(self) -> dict[str, DeadLetter]:
        found = await latest_by_key(self.kafka, DEAD_LETTERS)
        letters = {key: DeadLetter.from_json(record.value or b"") for key, record in found.items()}
        return {key: letter for key, letter in letters.items() if letter.connector == self.account}

    async def until_understood(self, texts: set[str], seconds: float = 60.0) -> None:
        async with asyncio.timeout(seconds):
            while not texts <= await self.texts():
                await asyncio.sleep(0.2)

    async def until_counted(self, understood: int, seconds: float = 10.0) -> None:
        async with asyncio.timeout(seconds):
            while self.counted[0] < understood:
                await asyncio.sleep(0.1)


@pytest.fixture
def make_understander(stack: Stack, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[], Understander]:
    monkeypatch.setenv("DYING_JOURNAL", str(tmp_path / "journal"))
    return lambda: Understander(KafkaSettings(servers=stack.kafka, session_timeout=6), tmp_path)


@pytest_asyncio.fixture
async def understander(make_understander: Callable[[], Understander]) -> Understander:
    found = make_understander()
    await create_topics(found.kafka, topics())
    return found
