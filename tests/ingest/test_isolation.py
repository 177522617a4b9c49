"""One connector is paused, killed and replaced while the mail of the others flows."""

import asyncio
import contextlib
import signal
import smtplib
import subprocess
import uuid
from collections.abc import AsyncIterator, Sequence
from datetime import UTC, datetime
from pathlib import Path

import pytest
from imapclient import IMAPClient

from bus.connector import ConnectorStatus
from bus.kafka_settings import KafkaSettings
from bus.raw import Inline, RawMessage
from deploy.embedded import ports
from ingest.connector_health import judge
from ingest.steering import last_statuses
from tests.conftest import Mailbox, Stack
from tests.folders import own_folder
from tests.ingest.connector_process import BIN, connector_process, write_config
from tests.ingest.imap.mailbox_rig import mail
from tests.ingest.raw_topic import RawTopic, raw_topic

pytestmark = pytest.mark.stack
PATIENCE = 240
"""Seconds; a loaded machine starts a process in twenty."""


def desk_of(connector: str) -> str:
    return f"{connector}@desk.example"


class Writer:
    """A sender that goes on, one mail after another, to an address at a port; `accepted`: those that were taken."""

    def __init__(self, port: int, address: str) -> None:
        self._port = port
        self._address = address
        self.accepted: set[bytes] = set()
        self._number = 0

    async def write(self, count: int) -> None:
        """So many more, each until it is taken."""
        for _ in range(count):
            self._number += 1
            while not await asyncio.to_thread(self._send, self._number):
                await asyncio.sleep(0.1)
            self.accepted.add(str(self._number).encode())

    def _send(self, number: int) -> bool:
        try:
            with smtplib.SMTP("127.0.0.1", self._port, timeout=30) as client:
                client.sendmail("ana@customer.example", [self._address], mail(number))
        except (OSError, smtplib.SMTPException):
            return False
        return True


def steer(data: Path, kafka: str, *words: str) -> None:
    done = subprocess.run(
        [BIN, "connectors", *words, "--data", data, "--kafka", kafka], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr


def texts(raw: Sequence[RawMessage]) -> set[bytes]:
    return {one.payload.base64.rpartition(b"text of ")[2].strip() for one in raw if isinstance(one.payload, Inline)}


def unseen(greenmail: Mailbox, address: str) -> int:
    with IMAPClient(greenmail.host, greenmail.imap, ssl=False) as client:
        client.login(address, "any")
        client.select_folder("INBOX", readonly=True)
        return len(client.search(["UNSEEN"]))


@pytest.fixture
async def topic(stack: Stack) -> AsyncIterator[RawTopic]:
    async with raw_topic(KafkaSettings(servers=stack.kafka)) as topic:
        yield topic


async def test_the_others_flow(stack: Stack, greenmail: Mailbox, topic: RawTopic) -> None:
    kafka = KafkaSettings(servers=stack.kafka)
    one, two, box = (f"{kind}-{uuid.uuid4().hex[:10]}" for kind in ("one", "two", "box"))
    port_one, port_two = ports.take(2)
    smtp = {"type": "email-smtp", "host": "127.0.0.1"}
    imap = {"type": "email-imap", "security": "none", "password": "any", "poll_every": 0.2, "host": greenmail.host}
    writers = {
        one: Writer(port_one, desk_of(one)),
        two: Writer(port_two, desk_of(two)),
        box: Writer(greenmail.smtp, desk_of(box)),
    }
    with own_folder("isolation") as folder:

        def configured(**more: object) -> None:
            """As the operator has written it; `more`: of the mailbox."""
            mailbox = {"port": greenmail.imap, "addresses": [desk_of(box)], "username": desk_of(box)}
            write_config(
                folder,
                **{
                    one: smtp | {"port": port_one, "addresses": [desk_of(one)]},
                    two: smtp | {"port": port_two, "addresses": [desk_of(two)]},
                    box: imap | mailbox | more,
                },
            )

        configured()

        async def flows(*names: str) -> None:
            """Each of them takes five more, whatever happens to the rest."""
            await asyncio.gather(*(writers[name].write(5) for name in names))
            async with asyncio.timeout(PATIENCE):
                while not all(writers[name].accepted <= texts(topic.mails[name]) for name in names):
                    await asyncio.sleep(0.1)

        async def shown(name: str, state: str) -> ConnectorStatus:
            """What it says of itself, once it is in that state."""
            async with asyncio.timeout(PATIENCE):
                while True:
                    status = (await last_statuses(kafka)).get(name)
                    if status and judge(status, datetime.now(UTC)).state == state:
                        return status
                    await asyncio.sleep(0.5)

        def run(name: str) -> contextlib.AbstractContextManager[subprocess.Popen[bytes]]:
            return connector_process(name, data=folder, kafka=stack.kafka)

        with run(one) as first, run(two):
            with run(box) as third:
                await flows(one, two, box)

                await asyncio.to_thread(steer, folder, stack.kafka, "pause", two, "--by", "ops")
                assert (await shown(two, "paused")).paused_by == "ops"
                await flows(one, box)
                await asyncio.to_thread(steer, folder, stack.kafka, "resume", two)
                await flows(two)

                first.send_signal(signal.SIGKILL)
                await asyncio.to_thread(first.wait)
                await flows(two, box)

                # an upgrade: the new one, with other settings, is started before the old one goes, and polls then
                configured(when_taken="leave", poll_every=0.4)
                with run(box):
                    await shown(box, "standby")
                    third.terminate()
                    assert await asyncio.to_thread(third.wait, PATIENCE) == 0
                    await flows(two, box)
                    assert await asyncio.to_thread(unseen, greenmail, desk_of(box)) == 5  # it leaves them as they are
            with run(one):
                await flows(one, two)
        for name, writer in writers.items():
            assert texts(topic.mails[name]) == writer.accepted
