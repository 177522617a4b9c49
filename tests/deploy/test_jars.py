"""Only the pinned archives run, and once they are there nothing is asked of the network."""

import asyncio
import hashlib
import socket
import threading
from collections.abc import Iterator
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import jgo.maven._core
import pytest
from rich.console import Console

from deploy.embedded.fetching import fetched_class_path
from deploy.embedded.jars import JarError, Pin, class_path, pins

CONTENT = b"an archive"


def pin(file: str = "toy-1.0.jar", content: bytes = CONTENT) -> Pin:
    return Pin(file, "org.example:toy:1.0", hashlib.sha256(content).hexdigest())


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("DESKSTREAM_CACHE", str(tmp_path / "cache"))
    folder = tmp_path / "cache" / "jars"
    folder.mkdir(parents=True)
    return folder


@pytest.fixture
def no_network(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise AssertionError("the network was asked")

    monkeypatch.setattr(socket, "getaddrinfo", refuse)
    monkeypatch.setattr(socket.socket, "connect", refuse)


@pytest.fixture
def repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    root = tmp_path / "repository"

    class Handler(SimpleHTTPRequestHandler):
        def __init__(self, *parts: object) -> None:
            super().__init__(*parts, directory=str(root))  # type: ignore[arg-type]

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    folder = root / "org" / "example" / "toy" / "1.0"
    folder.mkdir(parents=True)
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    monkeypatch.setattr(jgo.maven._core, "DEFAULT_REMOTE_REPOS", {"it": f"http://127.0.0.1:{server.server_port}"})
    try:
        yield folder / "toy-1.0.jar"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def test_cached_archives_are_used_without_the_network(cache: Path, no_network: None) -> None:
    (cache / "toy-1.0.jar").write_bytes(CONTENT)
    assert class_path([pin()]) == str(cache / "toy-1.0.jar")


def test_a_changed_archive_is_refused_and_named(cache: Path, no_network: None) -> None:
    (cache / "toy-1.0.jar").write_bytes(b"something else")
    with pytest.raises(JarError, match=r"toy-1\.0\.jar is not the pinned archive") as refusal:
        class_path([pin()])
    assert len(str(refusal.value).splitlines()) == 1


def test_an_archive_that_lies_in_the_cache_without_a_pin_stays_off_the_class_path(cache: Path) -> None:
    (cache / "toy-1.0.jar").write_bytes(CONTENT)
    (cache / "stranger.jar").write_bytes(b"?")
    assert "stranger" not in class_path([pin()])


def test_a_missing_archive_is_fetched_once_with_a_progress_bar(cache: Path, repository: Path) -> None:
    repository.write_bytes(CONTENT)
    console = Console(record=True, force_terminal=True, width=120, quiet=False)
    path = asyncio.run(fetched_class_path([pin()], console, "the toy"))
    assert Path(path).read_bytes() == CONTENT
    assert "Fetching the toy" in console.export_text()
    repository.unlink()
    assert class_path([pin()]) == path
    assert [entry.name for entry in cache.parent.iterdir()] == ["jars"]


async def test_fetching_that_is_cancelled_keeps_nothing(cache: Path, repository: Path) -> None:
    long = pin(content=bytes(128 * 1024 * 1024))
    with repository.open("wb") as stream:
        stream.truncate(128 * 1024 * 1024)
    fetching = asyncio.create_task(fetched_class_path([long], Console(quiet=True), "the toy"))
    while not list(cache.parent.glob("fetch-*/**/*.jar")):
        await asyncio.sleep(0.01)
    fetching.cancel()
    with pytest.raises(asyncio.CancelledError):
        await fetching
    while list(cache.parent.glob("fetch-*")):
        await asyncio.sleep(0.01)
    assert list(cache.iterdir()) == []  # noqa: ASYNC240


def test_what_a_repository_sends_instead_is_refused_and_not_kept(cache: Path, repository: Path) -> None:
    repository.write_bytes(b"something else")
    with pytest.raises(JarError, match=r"toy-1\.0\.jar as fetched is not the pinned archive"):
        class_path([pin()])
    assert list(cache.iterdir()) == []


def test_what_cannot_be_fetched_is_named_with_what_to_do(cache: Path, repository: Path) -> None:
    with pytest.raises(
        JarError, match=r"toy-1\.0\.jar \(org\.example:toy:1\.0\) cannot be fetched .*check the network"
    ):
        class_path([pin()])


def test_the_pin_file_names_kafka_and_every_archive_once() -> None:
    kafka = pins("kafka")
    assert "org.apache.kafka:kafka_2.13:4.3.0" in {one.coordinate for one in kafka}
    assert len({one.file for one in kafka}) == len(kafka)
    assert all(len(bytes.fromhex(one.sha256)) == 32 for one in kafka)
    assert [one.coordinate.rpartition(":")[0] for one in pins("test")] == ["com.icegreen:greenmail-standalone"]
