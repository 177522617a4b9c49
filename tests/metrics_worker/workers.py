"""Workers on the real stack, each in a process of its own, with topics and a database of the test's own."""

import asyncio
import json
import os
import signal
import subprocess
import sys
import time
import uuid
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import psutil
from pydantic import SecretStr

from bus.contact_event import ContactEvent
from bus.figures import CustomerMetrics
from bus.kafka_settings import KafkaSettings
from bus.publisher import KafkaPublisher
from bus.record import Outgoing
from bus.settings import DatabaseSettings, Settings
from bus.ticket_event import TicketEvent
from bus.topics import DEAD_LETTERS, SHARED, Topic, create_topics
from metrics_worker.compare import Difference
from metrics_worker.migrate import upgrade
from metrics_worker.snapshot import Names
from metrics_worker.verify import differences
from tests.conftest import Stack

SILENCE = 3


@dataclass
class Figures:
    """One database, one pair of topics, and the workers started on them."""

    settings: Settings
    names: Names
    publisher: KafkaPublisher
    workers: list[subprocess.Popen[bytes]] = field(default_factory=list)

    @classmethod
    async def make(cls, stack: Stack, *, partitions: int = 4, names: Names | None = None) -> "Figures":
        """`names`: of topics that are there already."""
        url = await asyncio.to_thread(stack.new_database)
        await asyncio.to_thread(upgrade, url)
        kafka = KafkaSettings(servers=stack.kafka)
        tag = uuid.uuid4().hex[:8]
        names = names or Names(
            f"tickets.events.{tag}",
            f"customers.metrics.{tag}",
            f"deskstream.metrics.{tag}",
            f"contacts.events.{tag}",
        )
        wanted = [
            Topic(names.events, "ticket id", partitions, (TicketEvent,)),
            Topic(names.contacts, "contact id", 1, (ContactEvent,)),
            Topic(names.figures, "key", 3, (CustomerMetrics,), {"cleanup.policy": "compact"}),
            *(topic for topic in SHARED if topic.name == DEAD_LETTERS),
        ]
        await create_topics(kafka, wanted)
        publisher = KafkaPublisher(kafka)
        await publisher.start()
        return cls(Settings(kafka=kafka, database=DatabaseSettings(url=SecretStr(url))), names, publisher)

    @property
    def url(self) -> str:
        assert self.settings.database.url is not None
        return self.settings.database.url.get_secret_value()

    async def publish(self, events: Sequence[TicketEvent], *, partition: int | None = None) -> None:
        await self.publisher.publish(
            [Outgoing(self.names.events, event.ticket_id, event.to_json(), (), partition) for event in events]
        )

    async def publish_contacts(self, events: Sequence[ContactEvent]) -> None:
        await self.publisher.publish(
            [Outgoing(self.names.contacts, event.contact_id, event.to_json()) for event in events]
        )

    @property
    def told(self) -> str:
        """What a process is told of all this."""
        told: dict[str, Any] = {"kafka": self.settings.kafka.servers, "database": self.url, "names": asdict(self.names)}
        told["calendars"] = {name: section.model_dump() for name, section in self.settings.calendars.items()}
        return json.dumps(told)

    def start(self, failpoints: str = "", silence: int = SILENCE) -> subprocess.Popen[bytes]:
        return self._run("tests.metrics_worker.run_worker", failpoints, str(silence))

    def rebuild(self, failpoints: str = "", processes: int = 1) -> subprocess.Popen[bytes]:
        """Its standard output says what came of it; `processes` 0: as many as pay."""
        return self._run("tests.metrics_worker.run_rebuild", failpoints, str(processes), stdout=subprocess.PIPE)

    def _run(self, module: str, failpoints: str, *more: str, stdout: int | None = None) -> subprocess.Popen[bytes]:
        worker = subprocess.Popen(
            [sys.executable, "-m", module, self.told, *more],
            stdout=stdout,
            env=os.environ | {"DESKSTREAM_FAILPOINTS": failpoints},
        )
        self.workers.append(worker)
        return worker

    async def differences(self) -> list[Difference]:
        return await differences(self.settings, names=self.names)

    async def settled(self, within: float = 30.0, *, but: str | None = None) -> list[Difference]:
        """The differences that are left when none but those of subject `but` are, or time is up."""
        deadline = time.monotonic() + within
        while True:
            found = await self.differences()
            if all(each.subject == but for each in found) or time.monotonic() > deadline:
                return found
            await asyncio.sleep(0.2)

    async def close(self) -> None:
        for worker in self.workers:
            if worker.poll() is None:
                worker.send_signal(signal.SIGCONT)
                worker.terminate()
        for worker in self.workers:
            try:
                await asyncio.to_thread(worker.wait, 10)
            except subprocess.TimeoutExpired:
                worker.kill()
        await self.publisher.stop()


def state_of(worker: subprocess.Popen[bytes] | psutil.Process) -> str:
    """The state letter of the process (`T`: frozen); none when it is not there."""
    try:
        return Path(f"/proc/{worker.pid}/stat").read_text("utf-8").rpartition(")")[2].split()[0]
    except (FileNotFoundError, ProcessLookupError):
        return ""
