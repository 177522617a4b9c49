"""Faults that take their time: Kafka long gone, a storm of rebalances, lost answers, a full disk (`make long`)."""

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest
from sqlalchemy.engine import make_url

from tests.conftest import Stack
from tests.e2e.running import BIN, HASTY, Up, running
from tests.kafka_node import kafka_node
from tests.mails.client import Sent, send_all, write_ledger
from tests.mails.generator import GeneratedMail, generate
from tests.proxy import LosingProxy, commits, produces

pytestmark = [pytest.mark.stack, pytest.mark.long]


def _nothing_lost_or_doubled(up: Up, mails: list[GeneratedMail], results: list[Sent], tmp_path: Path) -> None:
    assert {one.mail.token for one in results if one.outcome == "accepted"} == {mail.token for mail in mails}
    write_ledger(tmp_path / "ledger", results)
    up.verify(tmp_path / "ledger", wait=150)


@contextmanager
def _sending(up: Up, mails: list[GeneratedMail], *, rate: float, persist: float) -> Iterator[list[Sent]]:
    """Send beside what is done inside; all is sent when this is left."""
    results: list[Sent] = []
    thread = threading.Thread(
        target=lambda: results.extend(send_all(up.smtp, mails, rate=rate, persist=persist)), daemon=True
    )
    thread.start()
    yield results
    thread.join()


def test_kafka_down_for_a_minute(data: Path, tmp_path: Path) -> None:
    mails = list(generate(300, seed=61, prefix="gone"))
    with running(data) as up:
        with _sending(up, mails, rate=50, persist=180) as results:
            time.sleep(2)
            until = time.monotonic() + 60
            while time.monotonic() < until:  # whenever it is started again
                with suppress(StopIteration, ProcessLookupError):
                    os.kill(up.pid("kafka"), signal.SIGKILL)
                time.sleep(0.3)
        up.wait_ready()
        _nothing_lost_or_doubled(up, mails, results, tmp_path)


def test_a_storm_of_rebalances(data: Path, tmp_path: Path) -> None:
    """Members come and go, properly and not, faster than a group settles."""
    mails = list(generate(600, seed=62, prefix="storm"))
    with running(data, environment=HASTY) as up:
        with _sending(up, mails, rate=20, persist=60) as results:
            for n in range(12):
                more = subprocess.Popen(
                    [BIN, "ticketing", "--data", up.data],
                    stdout=subprocess.DEVNULL,
                    stderr=subprocess.DEVNULL,
                    env=os.environ | HASTY,
                )
                time.sleep(1.0 + n % 3)
                more.send_signal((signal.SIGTERM, signal.SIGKILL)[n % 2])
                more.wait(20)
        _nothing_lost_or_doubled(up, mails, results, tmp_path)


async def test_answers_to_commit_and_to_produce_are_lost(stack: Stack, data: Path, tmp_path: Path) -> None:
    """One answer in thirty never arrives, and its connection ends, while what was asked has taken effect."""
    import asyncio

    url = make_url(stack.new_database())
    assert url.host
    assert url.port
    database = LosingProxy((url.host, url.port), commits, 1 / 30, seed=63)
    (tmp_path / "kafka").mkdir()
    from deploy.embedded import ports

    (behind,) = ports.take(1)
    kafka = LosingProxy(("127.0.0.1", behind), produces, 1 / 30, seed=64)
    address = f"127.0.0.1:{kafka.port}"

    def work() -> None:
        mails = list(generate(400, seed=63, prefix="lost"))
        told = url.set(port=database.port, host="127.0.0.1").render_as_string(hide_password=False)
        with running(data, environment=HASTY, options=["--kafka", address, "--database", told]) as up:
            results = send_all(up.smtp, mails, rate=30, persist=90)
            assert kafka.lost > 5
            assert database.lost > 5
            kafka.share = database.share = 0.0
            _nothing_lost_or_doubled(up, mails, results, tmp_path)

    with database.running(), kafka.running():
        async with kafka_node(
            tmp_path / "kafka", lambda found: {**found, "advertised.listeners": f"PLAINTEXT://{address}"}, port=behind
        ):
            await asyncio.to_thread(work)


@pytest.mark.skipif(sys.platform != "linux" or os.geteuid() != 0, reason="only root can mount a small disk")
def test_the_disk_is_full_for_a_while(data: Path, tmp_path: Path) -> None:
    data.mkdir()
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=600m,mode=0755", "none", data], check=False).returncode:
        pytest.skip("this system lets nobody mount")
    try:
        mails = list(generate(400, seed=65, prefix="full"))
        with running(data, environment=HASTY) as up:
            with _sending(up, mails, rate=20, persist=150) as results:
                time.sleep(3)
                _fill(data / "filler")
                time.sleep(12)
                (data / "filler").unlink()
            up.wait_ready()
            _nothing_lost_or_doubled(up, mails, results, tmp_path)
    finally:
        subprocess.run(["umount", "-l", data], check=True)


def _fill(file: Path) -> None:
    with file.open("wb", buffering=0) as filler:
        for size in (1 << 20, 1 << 12):
            try:
                while True:
                    filler.write(bytes(size))
            except OSError:
                continue
