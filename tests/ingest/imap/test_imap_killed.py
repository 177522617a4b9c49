"""A mailbox's process killed at each boundary: every mail is on its topic, and only what is there is marked."""

import asyncio
import signal
import smtplib
import uuid
from collections import Counter

import pytest
from imapclient import IMAPClient

from bus.kafka_settings import KafkaSettings
from bus.latest import read_to_end
from bus.raw import RawMessage
from bus.topics import create_topics, topics
from tests.conftest import Mailbox, Stack
from tests.folders import own_folder
from tests.ingest.connector_process import connector_process, write_config
from tests.ingest.imap.mailbox_rig import mail

pytestmark = pytest.mark.stack

MAILS = 4
POINTS = ["receive.before_emit", "receive.after_emit", "poll.after_cursor"]
PATIENCE = 240
"""Seconds; a loaded machine starts a process in twenty."""


async def taken(kafka: KafkaSettings, connector: str) -> Counter[str]:
    """How often each mail of the connector stands on the raw topic, by the UID it had."""
    found: Counter[str] = Counter()
    async for record in read_to_end(kafka, ["raw.email"]):
        raw = RawMessage.from_json(record.value or b"")
        if raw.account == connector:
            found[raw.headers[":uid"]] += 1
    return found


def unseen(greenmail: Mailbox, address: str) -> int:
    with IMAPClient(greenmail.host, greenmail.imap, ssl=False) as client:
        client.login(address, "any")
        client.select_folder("INBOX", readonly=True)
        return len(client.search("UNSEEN"))


def deliver(greenmail: Mailbox, address: str, number: int) -> None:
    with smtplib.SMTP(greenmail.host, greenmail.smtp) as client:
        client.sendmail("ana@customer.example", [address], mail(number))


async def killed(kafka: KafkaSettings, greenmail: Mailbox, point: str, hit: int) -> None:
    """One box: mails come one by one until its process dies; then another process takes over."""
    name = f"box-{uuid.uuid4().hex[:12]}"
    address = f"{name}@desk.example"
    section: dict[str, object] = {
        "type": "email-imap",
        "addresses": [address],
        "host": greenmail.host,
        "port": greenmail.imap,
        "security": "none",
        "username": address,
        "password": "any",
        "poll_every": 0.2,
    }
    sent = 0
    with own_folder("killed") as folder:
        write_config(folder, **{name: section})
        with connector_process(name, data=folder, kafka=kafka.servers, failpoints=f"{point}=kill@{hit}") as process:
            async with asyncio.timeout(PATIENCE):
                while process.poll() is None:
                    if len(await taken(kafka, name)) == sent:  # one page each
                        await asyncio.to_thread(deliver, greenmail, address, sent)
                        sent += 1
                    await asyncio.sleep(0.3)
        assert process.returncode == -signal.SIGKILL
        before = await taken(kafka, name)
        assert await asyncio.to_thread(unseen, greenmail, address) >= sent - len(before)
        assert set(before.values()) <= {1}
        with connector_process(name, data=folder, kafka=kafka.servers):
            async with asyncio.timeout(PATIENCE):
                while len(await taken(kafka, name)) < sent or await asyncio.to_thread(unseen, greenmail, address) > 0:
                    await asyncio.sleep(0.3)
        after = await taken(kafka, name)
        assert sum(after.values()) == sent + (point == "receive.after_emit")  # the one that Kafka had and no cursor


@pytest.mark.parametrize("hit", [1, pytest.param(3, marks=pytest.mark.long)])
async def test_killed_at_every_boundary(stack: Stack, greenmail: Mailbox, hit: int) -> None:
    """All at once: each waits for Kafka to give the dead member's partition away."""
    kafka = KafkaSettings(servers=stack.kafka)
    await create_topics(kafka, topics())
    results = await asyncio.gather(*(killed(kafka, greenmail, point, hit) for point in POINTS), return_exceptions=True)
    failed = {point: result for point, result in zip(POINTS, results, strict=True) if result is not None}
    assert not failed
