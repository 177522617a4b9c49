"""The understanding child on real Kafka: what kills it is found and parked, and nobody else is blamed."""

import asyncio
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

from bus.record import Position
from ingest.watching import Limits
from tests.ingest.understand.conftest import Understander

pytestmark = pytest.mark.stack
LIMITS = Limits(record=1.5, tick=0.1)
PATIENT = Limits(tick=0.1)
"""For records that end their child by themselves, however busy the machine is."""
_ORDERS = "from ingest.understand_orders import Orders"


def _key(position: Position) -> str:
    return "/".join(map(str, position))


@pytest.mark.parametrize(
    ("payload", "error"),
    [
        # a killed child is missed by the broker for its session's time: two of these are enough for every day
        pytest.param(b"die now", "died", marks=pytest.mark.long),
        (b"segfault", "died"),
        pytest.param(b"hang", "too_slow", marks=pytest.mark.long),
        (b"hoard", "unexpected"),
    ],
)
async def test_a_record_that_brings_the_child_down_twice_is_parked_and_the_others_go_on(
    understander: Understander, payload: bytes, error: str
) -> None:
    async with understander.running(LIMITS if error == "too_slow" else PATIENT):
        positions = await understander.receive(b"before", payload, b"after")
        await understander.until_understood({"before", "after"})
        async with asyncio.timeout(20):
            while not (letters := await understander.letters()):
                await asyncio.sleep(0.2)
        ((key, letter),) = letters.items()
        assert (key, letter.error, letter.stage) == (_key(positions[1]), error, "understand")
        assert b"received_at" in letter.value
        await understander.receive(b"later")
        await understander.until_understood({"later"})
        assert payload.decode() not in await understander.texts()
    if error != "unexpected":
        # once in its batch, once alone; the batch is repeated without it
        assert understander.journal.read_text().split("\n").count(payload.decode().split()[0]) == 2
    assert "had" not in understander.journal.read_text()


@pytest.mark.long
async def test_a_record_in_hand_at_one_death_is_acquitted_by_its_trial(understander: Understander) -> None:
    async with understander.running(LIMITS):
        await understander.receive(b"die once", b"after")
        await understander.until_understood({"die once", "after"})
        assert await understander.letters() == {}


@pytest.mark.long
async def test_a_child_that_was_frozen_over_a_record_is_replaced_and_the_record_acquitted(
    understander: Understander,
) -> None:
    async with understander.running(LIMITS):
        await understander.receive(b"freeze", b"after")
        await understander.until_understood({"freeze", "after"})
        assert await understander.letters() == {}


@pytest.mark.long
async def test_a_child_killed_while_idle_is_started_again(understander: Understander) -> None:
    async with understander.running(LIMITS):
        await understander.receive(b"one")
        await understander.until_understood({"one"})
        first = understander.process.pid
        assert first is not None
        os.kill(first, signal.SIGKILL)
        await understander.receive(b"two")
        await understander.until_understood({"two"})
        assert understander.process.pid != first
        assert await understander.letters() == {}
        assert understander.health.ready
        await understander.until_counted(2)


@pytest.mark.long
async def test_a_child_that_falls_silent_is_replaced(understander: Understander) -> None:
    async with understander.running(Limits(record=1.5, silence=2.0, tick=0.1)):
        await understander.receive(b"one")
        await understander.until_understood({"one"})
        assert understander.process.pid is not None
        os.kill(understander.process.pid, signal.SIGSTOP)
        await understander.receive(b"two")
        await understander.until_understood({"two"})


async def test_stopping_ends_the_child(understander: Understander) -> None:
    async with understander.running(LIMITS):
        await understander.receive(b"one")
        await understander.until_understood({"one"})
        child = psutil.Process(understander.process.pid)
    assert not child.is_running()


@pytest.mark.parametrize(
    "point", ["understand.after_publish", pytest.param("understand.before_publish", marks=pytest.mark.long)]
)
async def test_killed_at_a_failpoint_nothing_is_lost_and_nobody_blamed(
    understander: Understander, point: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DESKSTREAM_FAILPOINTS", f"{point}=kill@1")
    async with understander.running(LIMITS):
        await understander.receive(b"one", b"two")
        await understander.until_understood({"one", "two"})
        assert await understander.letters() == {}
    ids = [found.message_id for found in await understander.messages()]
    assert len(set(ids)) == 2


async def test_the_parents_own_death_ends_the_child_at_once(understander: Understander, tmp_path: Path) -> None:
    code = f"""
import asyncio, os, sys
from bus.blob_settings import BlobSettings
from bus.health import Health
from bus.kafka_settings import KafkaSettings
from bus.settings import LoggingSettings
from ingest.understand_parent import UnderstandingProcess
async def main():
    kafka = KafkaSettings(servers={understander.kafka.servers!r})
    process = UnderstandingProcess({understander.account!r}, "email", kafka,
        BlobSettings(url={understander.blobs.url!r}), LoggingSettings(), parking=None, health=Health(),
        counted=lambda *_: None,
        child="tests.ingest.understand.dying_child")
    working = asyncio.create_task(process.run(asyncio.Event()))
    while process.pid is None:
        await asyncio.sleep(0.01)
    print(process.pid, flush=True)
    await working
asyncio.run(main())
"""
    parent = subprocess.Popen(  # noqa: ASYNC220  # it returns at once
        [sys.executable, "-c", code], stdout=subprocess.PIPE, text=True
    )
    assert parent.stdout is not None
    child = psutil.Process(int(parent.stdout.readline()))
    await understander.publisher.start()
    await understander.receive(b"hang")
    async with asyncio.timeout(30):
        while "hang" not in understander.journal.read_text():
            await asyncio.sleep(0.05)
    parent.kill()
    parent.wait()
    deadline = time.monotonic() + 5
    while child.is_running() and child.status() != psutil.STATUS_ZOMBIE and time.monotonic() < deadline:
        await asyncio.sleep(0.02)
    assert not child.is_running() or child.status() == psutil.STATUS_ZOMBIE
    await understander.publisher.stop()
    assert await understander.letters() == {}
