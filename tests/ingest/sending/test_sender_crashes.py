"""A sender killed or frozen at each boundary: nothing leaves twice, nothing is forgotten, every end is reported."""

import asyncio
import os
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from bus.kafka_settings import KafkaSettings
from bus.publisher import KafkaPublisher
from bus.record import Outgoing
from bus.reply import Purpose, Receipt
from tests.ingest.sending.replies import a_reply
from tests.ingest.sending.senders import receipts_of

pytestmark = pytest.mark.stack
REPLIES = 12


@asynccontextmanager
async def process(
    kafka: KafkaSettings, connector: str, folder: Path, kind: str, failpoints: str = ""
) -> AsyncIterator[subprocess.Popen[bytes]]:
    with (folder / "log").open("ab") as log:
        running = subprocess.Popen(  # noqa: ASYNC220  # forking is quick
            [sys.executable, "-m", "tests.ingest.sending.sender_process", kafka.servers, connector, str(folder), kind],
            env=os.environ | {"DESKSTREAM_FAILPOINTS": failpoints},
            stdout=log,
            stderr=log,
        )
    try:
        yield running
    finally:
        running.kill()
        await asyncio.to_thread(running.wait)


async def publish(kafka: KafkaSettings, connector: str, purpose: Purpose, n: int = REPLIES) -> list[str]:
    publisher = KafkaPublisher(kafka)
    await publisher.start()
    ids = [f"{connector}-{at}" for at in range(n)]
    given = [a_reply(reply_id=one, account=connector, purpose=purpose) for one in ids]
    await publisher.publish([Outgoing("replies.forum", r.reply_id, r.to_json(), partition=0) for r in given])
    await publisher.stop()
    return ids


async def until(
    kafka: KafkaSettings, connector: str, done: Callable[[dict[str, Receipt]], bool], seconds: float = 60
) -> dict[str, Receipt]:
    """The last receipt of each reply, once it is so."""
    async with asyncio.timeout(seconds):
        while True:
            last = {receipt.reply_id: receipt for _, receipt in await receipts_of(kafka, connector)}
            if done(last):
                return last
            await asyncio.sleep(0.2)


def all_ended(last: dict[str, Receipt]) -> bool:
    return len(last) == REPLIES and all(receipt.state != "attempting" for receipt in last.values())


async def killed(kafka: KafkaSettings, connector: str, folder: Path, point: str, kind: str, purpose: Purpose) -> None:
    """One run: publish, be killed at the point, be started again; then compare what left with what is reported."""
    ids = await publish(kafka, connector, purpose)
    async with process(kafka, connector, folder, kind, point) as first:
        async with asyncio.timeout(90):
            assert await asyncio.to_thread(first.wait) == -signal.SIGKILL
    begun = await still_open(kafka, connector)
    assert bool(begun) == ("after_receipt" not in point)
    async with process(kafka, connector, folder, kind):
        last = await until(kafka, connector, all_ended, 120)
    left = Counter(what_left(folder, kind))
    assert sorted(last) == sorted(ids)
    uncertain = {one for one, receipt in last.items() if receipt.state == "uncertain"}
    sent = {one for one, receipt in last.items() if receipt.state == "sent"}
    assert uncertain == (begun if kind == "journal" and purpose == "confirmation" else set())
    assert sent == set(ids) - uncertain
    assert sent <= set(left)
    if purpose == "confirmation":
        assert set(left.values()) == {1}


KILLED: list[tuple[str, str, Purpose]] = [
    ("send.after_attempting=kill", "journal", "confirmation"),
    ("send.after_send=kill@3", "journal", "confirmation"),
    ("send.after_receipt=kill", "journal", "confirmation"),
    ("send.after_attempting=kill", "journal", "reply"),
    ("send.after_attempting=kill", "outbox", "confirmation"),
    ("send.after_send=kill@3", "outbox", "confirmation"),
    ("send.after_receipt=kill", "outbox", "confirmation"),
]


async def test_killed_at_every_boundary(kafka: KafkaSettings, connector: str, tmp_path: Path) -> None:
    """All at once: each waits for Kafka to give the dead member's partitions away."""
    runs = []
    for n, (point, kind, purpose) in enumerate(KILLED):
        (folder := tmp_path / str(n)).mkdir()
        runs.append(killed(kafka, f"{connector}-{n}", folder, point, kind, purpose))
    results = await asyncio.gather(*runs, return_exceptions=True)
    failed = {case: result for case, result in zip(KILLED, results, strict=True) if result is not None}
    assert not failed


async def frozen(kafka: KafkaSettings, connector: str, folder: Path, point: str) -> None:
    """One run: freeze at the point until another has taken over, then go on."""
    ids = await publish(kafka, connector, "confirmation")
    async with process(kafka, connector, folder, "journal", point) as sleeper:
        async with asyncio.timeout(60):
            while not await asyncio.to_thread(is_stopped, sleeper.pid):  # /proc has no event
                await asyncio.sleep(0.1)
        begun = await still_open(kafka, connector)
        async with process(kafka, connector, folder, "journal"):
            last = await until(kafka, connector, all_ended, 150)
            before = what_left(folder, "journal")
            os.kill(sleeper.pid, signal.SIGCONT)
            await asyncio.sleep(5)
            assert what_left(folder, "journal") == before, "it sent after it was replaced"
    assert len(set(before)) == len(before)
    assert bool(begun) == ("after_receipt" not in point)
    assert {one for one, receipt in last.items() if receipt.state == "uncertain"} == begun
    assert {one for one, receipt in last.items() if receipt.state == "sent"} == set(ids) - begun == set(before)


@pytest.mark.long
async def test_frozen_beyond_its_session_and_replaced(kafka: KafkaSettings, connector: str, tmp_path: Path) -> None:
    """What was begun when it froze is `uncertain`; what it had not begun leaves once, by its successor."""
    points = ["send.after_receipt=stop", "send.after_attempting=stop"]
    for n in range(len(points)):
        (tmp_path / str(n)).mkdir()
    await asyncio.gather(
        *(frozen(kafka, f"{connector}-{n}", tmp_path / str(n), point) for n, point in enumerate(points))
    )


def is_stopped(pid: int) -> bool:
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "T"


def what_left(folder: Path, kind: str) -> list[str]:
    if kind == "outbox":
        return [path.stem for path in folder.glob("*.eml")]
    journal = folder / "journal"
    return journal.read_text().split() if journal.exists() else []


async def still_open(kafka: KafkaSettings, connector: str) -> set[str]:
    last = {receipt.reply_id: receipt.state for _, receipt in await receipts_of(kafka, connector)}
    return {one for one, state in last.items() if state == "attempting"}
