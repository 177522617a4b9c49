"""The real Kafka and PostgreSQL under the supervisor: killed, frozen, abandoned, and always back with their data."""

import asyncio
import contextlib
import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Awaitable, Callable, Iterator
from functools import partial
from pathlib import Path
from typing import TypeVar

import psutil
import psycopg
import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from aiokafka.admin import AIOKafkaAdminClient, NewTopic

from deploy.embedded import kafka, postgres
from tests.folders import own_folder

Answer = TypeVar("Answer")


class Embedded:
    """`python -m deploy.embedded` on a folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.start()

    def start(self) -> None:
        """Start it on its folder, for the first time or again."""
        self.process = subprocess.Popen(
            (sys.executable, "-m", "deploy.embedded", "--data", str(self.folder)), stdout=subprocess.PIPE, text=True
        )
        assert self.process.stdout
        addresses = json.loads(self.process.stdout.readline())
        self.kafka, self.database = addresses["kafka"], addresses["database"]

    @property
    def children(self) -> dict[str, psutil.Process]:
        """The two servers by the name of their program."""
        return {child.name(): child for child in psutil.Process(self.process.pid).children()}

    async def replaced(self, name: str, before: psutil.Process) -> bool:
        """Whether another process has taken the place of `before`."""
        return self.children.get(name, before).pid != before.pid

    def secrets(self, secret: str) -> list[str]:
        """Where a secret can be seen that should not."""
        said = [" ".join(words) for words in self.asked(psutil.Process.cmdline)]
        said += [log.read_text("utf-8", "replace") for log in self.folder.rglob("*.log")]
        return [text for text in said if secret in text]

    def tree(self) -> list[psutil.Process]:
        """Every process below, PostgreSQL's own included."""
        return psutil.Process(self.process.pid).children(recursive=True)

    def asked(self, question: Callable[[psutil.Process], Answer]) -> list[Answer]:
        """What every process answers. PostgreSQL's workers come and go: one that has gone has no say."""
        answers = []
        for process in (psutil.Process(self.process.pid), *self.tree()):
            with contextlib.suppress(psutil.NoSuchProcess):
                answers.append(question(process))
        return answers

    def sql(self, statement: str) -> list[tuple[object, ...]]:
        """Run one statement."""
        with psycopg.connect(self.database.replace("+psycopg", "", 1), autocommit=True) as connection:
            done = connection.execute(statement.encode())
            return done.fetchall() if done.description else []


@pytest.fixture(scope="module")
def running() -> Iterator[Embedded]:
    """Both servers, for all tests of this file, in its order."""
    with own_folder("embedded") as folder:
        embedded = Embedded(folder)
        try:
            yield embedded
        finally:
            embedded.process.send_signal(signal.SIGINT)
            embedded.process.communicate()


async def until(holds: Callable[[], Awaitable[bool]]) -> None:
    """Wait for what is to come by itself."""
    async with asyncio.timeout(60):
        while not await holds():
            await asyncio.sleep(0.1)


def state_of(data: Path) -> str:
    """What PostgreSQL's own tool says of a data folder that no server runs on."""
    tool = postgres._binaries() / "pg_controldata"
    return subprocess.run((tool, "-D", data), env={"LC_ALL": "C"}, capture_output=True, text=True, check=True).stdout


async def write(address: str, value: bytes) -> None:
    async with AIOKafkaProducer(bootstrap_servers=address, enable_idempotence=True) as producer:
        await producer.send_and_wait("kept", value)


async def read(address: str, count: int) -> list[bytes | None]:
    async with AIOKafkaConsumer("kept", bootstrap_servers=address, auto_offset_reset="earliest") as reader:
        return [(await reader.getone()).value for _ in range(count)]


@pytest.mark.stack
async def test_the_password_is_needed_and_only_its_owner_can_read_it(running: Embedded) -> None:
    file = running.folder / "postgres" / "password"
    assert file.stat().st_mode & 0o777 == 0o600
    secret = file.read_text()
    assert running.secrets(secret) == []
    with pytest.raises(psycopg.OperationalError, match="password"):
        psycopg.connect(running.database.replace("+psycopg", "", 1).replace(secret, "wrong"))
    listening = {
        connection.laddr.ip
        for connections in running.asked(lambda process: process.net_connections("inet"))
        for connection in connections
        if connection.status == psutil.CONN_LISTEN
    }
    assert {ip.removeprefix("::ffff:") for ip in listening} == {"127.0.0.1"}
    if os.geteuid() == 0:
        assert running.children["postgres"].uids().real != 0


@pytest.mark.stack
async def test_the_servers_come_back_with_their_data_whatever_is_killed(running: Embedded) -> None:
    addresses = (running.kafka, running.database)
    admin = AIOKafkaAdminClient(bootstrap_servers=running.kafka)
    await admin.start()
    await admin.create_topics([NewTopic("kept", 1, 1)])
    await admin.close()
    await write(running.kafka, b"one")
    running.sql("CREATE TABLE kept AS SELECT 1 AS one")

    for name in ("java", "postgres"):  # either server, on the same address as before
        before = running.children[name]
        before.kill()
        psutil.wait_procs([before], timeout=5)
        await until(partial(running.replaced, name, before))
    await until(lambda: kafka.ready(running.kafka))
    await until(lambda: postgres.ready(running.database))
    await write(running.kafka, b"two")
    assert running.sql("SELECT one FROM kept") == [(1,)]

    tree = running.tree()  # the supervisor itself, while the postmaster cannot even hear of it
    running.children["postgres"].send_signal(signal.SIGSTOP)
    running.process.kill()
    running.process.communicate()
    running.start()
    assert [it for it in tree if it.is_running()] == []
    assert (running.kafka, running.database) == addresses
    assert await read(running.kafka, 2) == [b"one", b"two"]
    assert running.sql("SELECT one FROM kept") == [(1,)]

    tree = running.tree()  # and a clean stop, as Ctrl-C asks for it
    running.process.send_signal(signal.SIGINT)
    assert running.process.wait(20) == 0
    assert [it for it in tree if it.is_running()] == []
    data = running.folder / "postgres" / "data"
    assert re.search(r"cluster state: +shut down\n", state_of(data))
    assert not (data / "postmaster.pid").exists()
