"""What browsers are told: security headers, which sites' scripts may call, WebSockets."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
import pytest_asyncio
import websockets
from pydantic import TypeAdapter, ValidationError
from starlette.websockets import WebSocket
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.typing import Origin as SocketOrigin

from bus.raw import Inline, RawMessage
from ingest.intake.origins import Origin, Origins
from ingest.intake.rates import RateLimits, source_of
from ingest.intake.route import Accept, HttpRoute, Route, SocketRoute
from ingest.intake.settings import Rates
from tests.ingest.intake.rig import NAME, TAKE, IntakeRig, take

NOW = datetime(2026, 1, 31, 8, tzinfo=UTC)
SITE = "https://www.example.com"
ORIGINS = Origins([SITE, "https://*.shop.example"])


async def _echo(socket: WebSocket, accept: Accept) -> None:
    await socket.accept()
    while True:
        word = await socket.receive_text()
        if word == "crash":
            raise KeyError("secret-of-ours")
        await socket.send_text(f"{word}!")


@pytest_asyncio.fixture
async def rig(tmp_path: Path) -> AsyncIterator[IntakeRig]:
    routes: list[Route] = [TAKE, HttpRoute("/form", take, origins=ORIGINS), SocketRoute("/talk", _echo, ORIGINS)]
    async with IntakeRig(tmp_path, routes).running() as rig:
        yield rig


@pytest.mark.parametrize("path", [f"/in/{NAME}/take", "/nowhere", f"/in/{NAME}/form"])
async def test_every_answer_has_the_security_headers(rig: IntakeRig, path: str) -> None:
    answer = await rig.ask(path)
    assert answer.header("x-content-type-options") == "nosniff"
    assert answer.header("x-frame-options") == "DENY"
    assert answer.header("referrer-policy") == "no-referrer"
    assert "default-src 'none'" in (answer.header("content-security-policy") or "")
    assert answer.header("cache-control") == "no-store"
    assert answer.header("server") is None


@pytest.mark.parametrize("origin", [SITE, "https://eu.shop.example", "https://a.b.shop.example"])
async def test_scripts_of_allowed_sites_may_call_and_read(rig: IntakeRig, origin: str) -> None:
    asked = await rig.ask(f"/in/{NAME}/form", b"", {"origin": origin}, method="OPTIONS")
    assert (asked.status, asked.header("access-control-allow-origin")) == (204, origin)
    assert "idempotency-key" in (asked.header("access-control-allow-headers") or "")
    answer = await rig.ask(f"/in/{NAME}/form", headers={"origin": origin})
    assert (answer.status, answer.header("access-control-allow-origin")) == (202, origin)
    assert answer.header("vary") == "Origin"


@pytest.mark.parametrize(
    "origin",
    [
        "https://evil.example",
        "http://www.example.com",
        "https://www.example.com.evil.example",
        "https://www.example.com:8443",
        "https://shop.example",
        "https://evilshop.example",
        "null",
        "https://evil.example/.shop.example",
        "https://evil@eu.shop.example",
    ],
)
async def test_scripts_of_other_sites_may_not(rig: IntakeRig, origin: str) -> None:
    for method in ("OPTIONS", "POST"):
        answer = await rig.ask(f"/in/{NAME}/form", headers={"origin": origin}, method=method)
        assert answer.status == 403
        assert answer.header("access-control-allow-origin") is None
    assert not rig.raw


async def test_who_is_no_browser_or_our_own_page_may(rig: IntakeRig) -> None:
    assert (await rig.ask(f"/in/{NAME}/form")).status == 202
    assert (await rig.ask(f"/in/{NAME}/form", headers={"origin": rig.base})).status == 202


@pytest.mark.parametrize("value", ["www.example.com", "https://", "https://x.example/path", "https://a.*.example", "x"])
def test_what_is_no_origin_is_refused_as_a_setting(value: str) -> None:
    with pytest.raises(ValidationError):
        TypeAdapter(Origin).validate_python(value)


def test_origins_are_written_in_many_ways() -> None:
    written = TypeAdapter(list[Origin]).validate_python(["HTTPS://WWW.Example.com:443/", "http://localhost:3000", "*"])
    assert written == ["https://www.example.com", "http://localhost:3000", "*"]


@contextlib.asynccontextmanager
async def _talking(rig: IntakeRig, origin: str | None = SITE) -> AsyncIterator[websockets.ClientConnection]:
    url = rig.base.replace("http", "ws") + f"/in/{NAME}/talk"
    async with websockets.connect(url, origin=SocketOrigin(origin) if origin else None) as socket:
        yield socket


async def test_a_conversation(rig: IntakeRig) -> None:
    async with _talking(rig) as socket:
        await socket.send("hello")
        assert await socket.recv() == "hello!"


@pytest.mark.parametrize("origin", ["https://evil.example", None])
async def test_a_socket_is_opened_by_pages_of_allowed_sites_only(rig: IntakeRig, origin: str | None) -> None:
    with pytest.raises(InvalidStatus) as refused:
        async with _talking(rig, origin):
            pass
    assert refused.value.response.status_code == 403


async def test_a_frame_that_is_too_long_ends_the_conversation(rig: IntakeRig) -> None:
    async with _talking(rig) as socket:
        await socket.send("x" * 16 * 1024)
        assert len(await socket.recv()) == 16 * 1024 + 1
        await socket.send("é" * 16 * 1024)
        with pytest.raises(ConnectionClosed):
            await socket.recv()
        assert socket.close_code == 1009


async def test_a_fault_of_ours_ends_one_conversation_and_says_nothing(rig: IntakeRig) -> None:
    async with _talking(rig) as one, _talking(rig) as other:
        await one.send("crash")
        with pytest.raises(ConnectionClosed):
            await one.recv()
        assert (one.close_code, one.close_reason) == (1011, "")
        await other.send("still")
        assert await other.recv() == "still!"


async def test_a_pause_ends_conversations_so_that_they_come_back(rig: IntakeRig) -> None:
    async with _talking(rig) as socket:
        await socket.send("hello")
        await socket.recv()
        await rig.close()
        with pytest.raises(ConnectionClosed):
            await socket.recv()
        assert socket.close_code == 1012
        with pytest.raises(InvalidStatus) as refused:
            async with _talking(rig):
                pass
        assert refused.value.response.status_code == 503


async def test_a_frame_may_be_accepted_and_is_acknowledged_after_kafka(tmp_path: Path) -> None:
    async def talk(socket: WebSocket, accept: Accept) -> None:
        await socket.accept()
        word = await socket.receive_text()
        (position,) = await accept(
            RawMessage(channel="web_form", account=NAME, received_at=NOW, payload=Inline(base64=word.encode()))
        )
        await socket.send_text(str(position.offset))

    async with IntakeRig(tmp_path, [SocketRoute("/talk", talk, ORIGINS)]).running() as rig, _talking(rig) as socket:
        await socket.send("x")
        assert await socket.recv() == "0"
        with pytest.raises(ConnectionClosed):
            await socket.recv()
        assert socket.close_code == 1000
        assert [await rig.payload(raw) for raw in rig.raw] == [b"x"]


async def test_sockets_count_as_connections_until_they_end(tmp_path: Path) -> None:
    rig = IntakeRig(tmp_path, [SocketRoute("/talk", _echo, ORIGINS)], max_connections_per_source=1)
    async with rig.running():
        async with _talking(rig) as socket:
            with pytest.raises(InvalidStatus) as refused:
                async with _talking(rig):
                    pass
            assert refused.value.response.status_code == 429
            await socket.send("hello")
            assert await socket.recv() == "hello!"
        async with asyncio.timeout(20):
            while True:
                with contextlib.suppress(InvalidStatus):
                    async with _talking(rig):
                        break
                await asyncio.sleep(0.02)


def test_a_token_is_taken_of_both_buckets_or_of_none() -> None:
    limits = RateLimits(Rates(per_source=60, burst=1, per_second=2), 0.0)
    assert limits.retry_after("192.0.2.1", 0.0) is None
    assert [limits.retry_after("192.0.2.1", 0.0) for _ in range(50)] == [1] * 50  # costs the others nothing
    assert limits.retry_after("192.0.2.2", 0.0) is None
    assert limits.retry_after("192.0.2.3", 0.0) == 1
    assert limits.retry_after("192.0.2.3", 0.5) is None
    assert limits.retry_after("192.0.2.1", 1.0) is None


def test_a_source_is_what_one_customer_cannot_change_at_will() -> None:
    assert source_of("192.0.2.1") == "192.0.2.1"
    assert source_of("2001:db8:1:2:3::4") == source_of("2001:db8:1:2:ffff::1") == "2001:db8:1:2::/64"
    assert source_of("2001:db8:1:3::1") != source_of("2001:db8:1:2::1")
    assert source_of("::ffff:192.0.2.1") == "192.0.2.1"
    assert source_of("no:address") == "no:address"
