"""Fetching what a message names: from public hosts, in bounds, or not at all."""

import asyncio
import functools
import socket
import ssl
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from bus.blobs import FolderBlobs
from ingest.providers.files import Files, NotFetched, is_public
from tests.certificates import NAME, Certificates
from tests.providers.serving import Fault
from tests.providers.telephony import RECORDING, Recordings, recordings


@pytest.fixture
def server() -> Iterator[Recordings]:
    with recordings() as running:
        yield running


@pytest.mark.parametrize(
    ("address", "public"),
    [
        ("8.8.8.8", True),
        ("2606:4700:4700::1111", True),
        ("127.0.0.1", False),
        ("10.1.2.3", False),
        ("172.16.0.1", False),
        ("192.168.1.1", False),
        ("169.254.169.254", False),
        ("100.64.0.1", False),
        ("0.0.0.0", False),
        ("224.0.0.1", False),
        ("255.255.255.255", False),
        ("::1", False),
        ("::", False),
        ("fe80::1%eth0", False),
        ("fd00::1", False),
        ("::ffff:10.0.0.1", False),
        ("::ffff:8.8.8.8", True),
        ("64:ff9b::a00:1", False),
        ("2002:a00:1::", False),
        ("ff02::1", False),
        ("not an address", False),
    ],
)
def test_which_addresses_are_public(address: str, public: bool) -> None:
    assert is_public(address) is public


@pytest.mark.parametrize(
    "source",
    [
        "https://127.0.0.1/x",
        "https://localhost/x",
        "https://[::1]/x",
        "https://[::ffff:127.0.0.1]/x",
        "https://0x7f000001/x",
        "https://2130706433/x",
        "http://example.org/x",
        "https://user:pass@example.org/x",
        "https://169.254.169.254/latest/meta-data/",
    ],
)
async def test_what_is_not_public_is_not_asked(tmp_path: Path, source: str) -> None:
    with pytest.raises((NotFetched, OSError)):
        await Files(FolderBlobs(tmp_path)).download(source)


async def test_only_named_hosts_and_what_is_below_them(tmp_path: Path) -> None:
    files = Files(FolderBlobs(tmp_path), hosts=["twimg.example"])
    for source in ("https://eviltwimg.example/x", "https://twimg.example.evil.test/x", "https://example.test/x"):
        with pytest.raises(NotFetched, match="not a host"):
            await files.download(source)


async def test_one_private_address_among_public_ones_is_enough_to_refuse(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def both(*_: object, **__: object) -> list[object]:
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (each, 443)) for each in ("8.8.8.8", "10.0.0.1")]

    monkeypatch.setattr(asyncio.get_running_loop(), "getaddrinfo", both)
    with pytest.raises(NotFetched, match="not a public address"):
        await Files(FolderBlobs(tmp_path)).download("https://rebinding.example/x")


async def test_a_redirect_is_checked_like_the_first_address(tmp_path: Path, server: Recordings) -> None:
    files = Files(FolderBlobs(tmp_path), inside=[server.url])
    for to, why in (("https://127.0.0.1:9/x", "not a public address"), ("http://example.org/x", "not https")):
        with pytest.raises(NotFetched, match=why):
            await files.download(f"{server.url}/elsewhere.wav?to={to}")
    assert await files.download(f"{server.url}/elsewhere.wav?to={server.url}/good.wav") == RECORDING


async def test_bounds_and_failures_leave_the_others(tmp_path: Path, server: Recordings) -> None:
    server.faulty.faults.append(Fault("GET /cut.wav", how="cut"))
    files = Files(FolderBlobs(tmp_path), inside=[server.url], longest=50_000)
    sources = [f"{server.url}/{name}.wav" for name in ("endless", "cut", "missing", "good")]
    found = await files.fetch([*sources, "upload://x", "https://[bad/x"])
    assert list(found) == [sources[3]]


async def test_the_certificate_is_that_of_the_name_though_the_address_is_called(
    tmp_path: Path, certificates: Certificates, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def here(self: Files, url: httpx.URL) -> str:
        return "127.0.0.1"

    monkeypatch.setattr(Files, "_address", here)
    trusting = ssl.create_default_context(cafile=certificates.authority)
    monkeypatch.setattr(httpx, "AsyncClient", functools.partial(httpx.AsyncClient, verify=trusting))
    with recordings(certificates) as server:
        port = server.url.rpartition(":")[2]
        files = Files(FolderBlobs(tmp_path))
        assert await files.download(f"https://{NAME}:{port}/good.wav") == RECORDING
        with pytest.raises(httpx.ConnectError):
            await files.download(f"https://media.example:{port}/good.wav")


async def test_a_password_goes_to_its_host_alone(tmp_path: Path, server: Recordings) -> None:
    files = Files(FolderBlobs(tmp_path), inside=[server.url], credentials={"127.0.0.1": ("AC1", "token")})
    await files.download(f"{server.url}/elsewhere.wav?to={server.url}/good.wav")
    first, second = server.logins
    assert first == "Basic QUMxOnRva2Vu"
    assert second is None
