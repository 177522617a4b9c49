"""A mailbox's process killed at each boundary: every mail is on its topic, and only what is there is marked."""

import asyncio
import os
import signal
import smtplib
import subprocess
import sys
import uuid
from collections import Counter
from pathlib import Path

import pytest
from imapclient import IMAPClient

from bus.kafka_settings import KafkaSettings
from tests.conftest import Mailbox, Stack
from tests.ingest.imap.imap_process import a_mailbox
from tests.ingest.imap.mailbox_rig import mail
from tests.ingest.raw_topic import RawTopic, raw_topic

pytestmark = pytest.mark.stack

MAILS = 4
POINTS = ["receive.before_emit", "receive.after_emit", "poll.after_cursor"]
PATIENCE = 240
"""Seconds; a loaded machine starts a process in twenty."""


def unseen(greenmail: Mailbox, address: str) -> int:
    with IMAPClient(greenmail.host, greenmail.imap, ssl=False) as client:
        client.login(address, "any")
        client.select_folder("INBOX", readonly=True)
        return len(client.search("UNSEEN"))


def deliver(greenmail: Mailbox, address: str, number: int) -> None:
    with smtplib.SMTP(greenmail.host, greenmail.smtp) as client:
        client.sendmail("ana@customer.example", [address], mail(number))


async def killed(kafka: KafkaSettings, topic: RawTopic, greenmail: Mailbox, folder: Path, point: str, hit: int) -> None:
    """One box: mails come one by one until its process dies; then another takes over."""
    name = f"box-{uuid.uuid4().hex[:12]}"
    address = f"{name}@desk.example"

    def taken() -> Counter[str]:
        return Counter(raw.headers[":uid"] for raw in topic.mails[name])

    sent = 0
    process = subprocess.Popen(  # noqa: ASYNC220  # forking is quick
        [
            *(sys.executable, "-m", "tests.ingest.imap.imap_process"),
            *(kafka.servers, name, str(folder), str(greenmail.imap)),
        ],
        env=os.environ | {"DESKSTREAM_FAILPOINTS": f"{point}=kill@{hit}"},
    )
    try:
        async with asyncio.timeout(PATIENCE):
            while process.poll() is None:
                if len(taken()) == sent:  # one page each
                    await asyncio.to_thread(deliver, greenmail, address, sent)
                    sent += 1
                await asyncio.sleep(0.1)
    finally:
        process.kill()
    assert process.wait() == -signal.SIGKILL
    assert await asyncio.to_thread(unseen, greenmail, address) >= sent - len(taken())
    async with a_mailbox(kafka.servers, name, folder, greenmail.imap) as (receiver, emit):
        running = asyncio.create_task(receiver.run(emit))
        try:
            async with asyncio.timeout(PATIENCE):
                while len(taken()) < sent or await asyncio.to_thread(unseen, greenmail, address) > 0:
                    assert not running.done(), running.result()
                    await asyncio.sleep(0.3)
        finally:
            running.cancel()
            await asyncio.gather(running, return_exceptions=True)
    # the one that Kafka had, and no cursor, is there twice
    assert sum(taken().values()) == sent + (point == "receive.after_emit")


@pytest.mark.parametrize("hit", [1, pytest.param(3, marks=pytest.mark.long)])
async def test_killed_at_every_boundary(stack: Stack, greenmail: Mailbox, tmp_path: Path, hit: int) -> None:
    """All at once: each waits for Kafka to give the dead member's partition away."""
    kafka = KafkaSettings(servers=stack.kafka)
    async with raw_topic(kafka) as topic:
        results = await asyncio.gather(
            *(killed(kafka, topic, greenmail, tmp_path, point, hit) for point in POINTS), return_exceptions=True
        )
    failed = {point: result for point, result in zip(POINTS, results, strict=True) if result is not None}
    assert not failed
