"""What strangers may ask of the server: bytes, time, connections, rates. Beyond it nothing is half done."""

import asyncio
import contextlib
from pathlib import Path

import pytest

from ingest.intake import body, connections
from ingest.intake.route import HttpRoute
from ingest.intake.settings import Rates
from tests.ingest.intake.rig import NAME, TAKE, UNLIMITED, Client, IntakeRig, take

PATH = f"/in/{NAME}/take"
SMALL = HttpRoute("/take", take, max_body=1_000)


async def test_a_body_that_says_it_is_too_large_is_refused_before_it_is_sent(tmp_path: Path) -> None:
    async with IntakeRig(tmp_path, [SMALL]).running() as rig, rig.client() as client:
        await client.head("POST", PATH, {"content-length": "1001"})
        answer = await client.answer()
        assert (answer.status, answer.json()["limit"]) == (413, 1_000)
        assert answer.header("connection") == "close"
        assert not rig.raw


async def test_a_client_that_sends_all_the_same_sees_the_answer(tmp_path: Path) -> None:
    async with IntakeRig(tmp_path, [SMALL]).running() as rig:
        answer = await rig.ask(body=b"x" * 8_000_000)
        assert answer.status == 413


async def test_a_body_without_a_length_is_cut_at_the_limit(tmp_path: Path) -> None:
    async with IntakeRig(tmp_path, [SMALL]).running() as rig, rig.client() as client:
        await client.head("POST", PATH, {"transfer-encoding": "chunked"})
        for _ in range(3):
            await client.send(b"190\r\n" + b"x" * 400 + b"\r\n")
        assert (await client.answer()).status == 413
        assert not rig.raw


async def test_a_body_of_exactly_the_limit_is_taken(tmp_path: Path) -> None:
    async with IntakeRig(tmp_path, [SMALL]).running() as rig:
        assert (await rig.ask(body=b"x" * 1_000)).status == 202


async def _begins(client: Client, rig: IntakeRig, size: int) -> None:
    """Send all of a body but its last byte, and wait until the server has it."""
    before = rig.server.memory.held
    await client.head("POST", PATH, {"content-length": str(size)})
    await client.send(b"x" * (size - 1))
    async with asyncio.timeout(20):
        while rig.server.memory.held < before + size - 1:
            await asyncio.sleep(0.01)


async def test_all_bodies_together_have_a_limit_and_give_it_back(tmp_path: Path) -> None:
    big = HttpRoute("/take", take, max_body=2_000_000)
    rig = IntakeRig(tmp_path, [big], max_bytes_in_memory=1024 * 1024)
    async with rig.running():
        async with rig.client() as one, rig.client(local="127.0.0.2") as two:
            await _begins(one, rig, 500_000)
            answer = await rig.ask(body=b"x" * 100_000)  # one source has at most half of it
            assert (answer.status, answer.header("retry-after")) == (503, "5")
            await _begins(two, rig, 500_000)
            assert (await rig.ask(body=b"x" * 100_000, local="127.0.0.3")).status == 503
            assert (await rig.ask(body=b"x" * 100, local="127.0.0.3")).status == 202
            for client in (one, two):
                await client.send(b"x")
                assert (await client.answer()).status == 202
        assert (await rig.ask(body=b"x" * 100_000)).status == 202
        assert rig.server.memory.held == 0


async def test_what_is_only_declared_takes_no_memory(tmp_path: Path) -> None:
    rig = IntakeRig(tmp_path, [TAKE], max_bytes_in_memory=1024 * 1024)
    async with rig.running(), rig.client() as one, rig.client() as two:
        for client in (one, two):
            await client.head("POST", PATH, {"content-length": "1000000"})
        assert (await rig.ask(body=b"x" * 100_000)).status == 202


async def test_who_hangs_up_in_the_middle_gives_its_memory_back(tmp_path: Path) -> None:
    async with IntakeRig(tmp_path, [TAKE]).running() as rig:
        async with rig.client() as client:
            await client.head("POST", PATH, {"content-length": "1000"})
            await client.send(b"x" * 10)
            async with asyncio.timeout(20):
                while not rig.server.memory.held:
                    await asyncio.sleep(0.01)
            client.writer.transport.abort()
        async with asyncio.timeout(20):
            while rig.server.memory.held:
                await asyncio.sleep(0.01)
        assert not rig.raw


async def test_a_body_that_stops_coming_is_not_waited_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(body, "_SILENCE", 0.2)
    async with IntakeRig(tmp_path, [TAKE]).running() as rig, rig.client() as client:
        await client.head("POST", PATH, {"content-length": "10"})
        await client.send(b"x")
        assert (await client.answer()).status == 408


async def test_a_body_that_drips_is_not_waited_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(body, "_WINDOW", 0.1)
    async with IntakeRig(tmp_path, [TAKE]).running() as rig, rig.client() as client:
        await client.head("POST", PATH, {"content-length": "1000000"})
        answered = asyncio.create_task(client.answer())
        while not answered.done():
            await client.send(b"x")
            await asyncio.sleep(0.02)
        assert (await answered).status == 408


async def test_headers_that_do_not_come_end_the_connection(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connections, "_HEADERS_IN", 0.2)
    async with IntakeRig(tmp_path, [TAKE]).running() as rig:
        for begun in (b"", b"POST /in/", b"POST / HTTP/1.1\r\nhost: x\r\na: "):
            async with rig.client() as client:
                await client.send(begun)
                async with asyncio.timeout(20):
                    assert await client.reader.read() == b""
        assert (await rig.ask()).status == 202


async def test_headers_without_end_are_cut(tmp_path: Path) -> None:
    async with IntakeRig(tmp_path, [TAKE]).running() as rig, rig.client() as client:
        await client.send(b"POST / HTTP/1.1\r\nhost: x\r\n")

        async def endless() -> None:
            for n in range(10_000):
                await client.send(b"x-%d: %s\r\n" % (n, b"y" * 1_000))

        with pytest.raises(ConnectionError):
            await endless()
        assert not rig.raw


@pytest.mark.parametrize(
    "head",
    [
        b"content-length: 3\r\ntransfer-encoding: chunked\r\n",
        b"content-length: 3\r\ncontent-length: 4\r\n",
        b"content-length: +3\r\n",
        b"content-length: 99999999999999999999\r\n",
        b"transfer-encoding: xchunked\r\n",
        b"bad header: 1\r\n",
    ],
)
async def test_a_request_that_could_be_read_in_two_ways_is_none(tmp_path: Path, head: bytes) -> None:
    async with IntakeRig(tmp_path, [TAKE]).running() as rig, rig.client() as client:
        await client.send(b"POST " + PATH.encode() + b" HTTP/1.1\r\nhost: x\r\n" + head + b"\r\nx=1\r\n0\r\n\r\n")
        answer = await client.answer()
        assert answer.status in {400, 413}
        assert not rig.raw


async def test_one_address_has_a_number_of_connections(tmp_path: Path) -> None:
    async with IntakeRig(tmp_path, [TAKE], max_connections_per_source=2).running() as rig:
        async with rig.client() as one, rig.client() as two:
            assert (await one.ask("POST", PATH)).status == 202
            assert (await two.ask("POST", PATH)).status == 202
            async with rig.client() as three:
                answer = await three.answer()
                assert (answer.status, answer.header("retry-after")) == (429, "10")
            assert (await rig.ask(local="127.0.0.2")).status == 202
        await _let_in_again(rig)


async def test_all_addresses_together_have_one_too(tmp_path: Path) -> None:
    async with IntakeRig(tmp_path, [TAKE], max_connections=1).running() as rig:
        async with rig.client() as one:
            assert (await one.ask("POST", PATH)).status == 202
            async with rig.client(local="127.0.0.2") as two:
                assert (await two.answer()).status == 503
        await _let_in_again(rig)


async def _let_in_again(rig: IntakeRig) -> None:
    async with asyncio.timeout(20):
        while (await rig.ask()).status != 202:
            await asyncio.sleep(0.02)


async def test_a_trusted_proxys_connections_are_not_counted(tmp_path: Path) -> None:
    rig = IntakeRig(tmp_path, [TAKE], max_connections_per_source=1, trusted_proxies=["127.0.0.0/8"])
    async with rig.running(), rig.client() as one, rig.client() as two:
        assert (await one.ask("POST", PATH)).status == 202
        assert (await two.ask("POST", PATH)).status == 202


async def test_over_the_rate_of_a_source_nothing_is_taken_and_others_come_in(tmp_path: Path) -> None:
    async with IntakeRig(tmp_path, [TAKE], rates=Rates(per_source=1, burst=2)).running() as rig:
        assert [(await rig.ask()).status for _ in range(4)] == [202, 202, 429, 429]
        answer = await rig.ask()
        assert 1 <= int(answer.header("retry-after") or 0) <= 60
        assert len(rig.raw) == 2
        assert (await rig.ask(local="127.0.0.2")).status == 202


async def test_over_the_rate_of_a_connector_nothing_is_taken(tmp_path: Path) -> None:
    async with IntakeRig(tmp_path, [TAKE], rates=UNLIMITED.model_copy(update={"per_second": 2})).running() as rig:
        async with contextlib.AsyncExitStack() as stack:
            clients = [await stack.enter_async_context(rig.client(local=f"127.0.0.{n}")) for n in range(2, 18)]
            answers = await asyncio.gather(*(client.ask("POST", PATH, b"x=1") for client in clients))
        statuses = [answer.status for answer in answers]
        assert statuses.count(202) >= 2
        assert 429 in statuses
        assert set(statuses) == {202, 429}
        assert len(rig.raw) == statuses.count(202)


async def test_a_request_over_the_rate_is_refused_before_its_body(tmp_path: Path) -> None:
    async with IntakeRig(tmp_path, [TAKE], rates=Rates(per_source=1, burst=1)).running() as rig:
        assert (await rig.ask()).status == 202
        async with rig.client() as client:
            await client.head("POST", PATH, {"content-length": "1000000"})
            assert (await client.answer()).status == 429


async def _remote(rig: IntakeRig, forwarded: list[str], local: str = "127.0.0.1") -> str:
    answer = await rig.ask(headers=[("x-forwarded-for", each) for each in forwarded], local=local)
    return str(answer.json()["remote"])


async def test_whom_to_believe_about_addresses(tmp_path: Path) -> None:
    async with IntakeRig(tmp_path, [TAKE]).running() as rig:
        assert await _remote(rig, ["198.51.100.7"]) == "127.0.0.1"
    rig = IntakeRig(tmp_path, [TAKE], trusted_proxies=["127.0.0.1/32", "10.0.0.0/8"])
    async with rig.running():
        assert await _remote(rig, ["198.51.100.7"]) == "198.51.100.7"
        assert await _remote(rig, ["203.0.113.9, 198.51.100.7, 10.1.1.1"]) == "198.51.100.7"
        assert await _remote(rig, ["203.0.113.9", "198.51.100.7"]) == "198.51.100.7"
        assert await _remote(rig, ["198.51.100.7"], local="127.0.0.2") == "127.0.0.2"
        assert await _remote(rig, []) == "127.0.0.1"


async def test_the_public_address_is_the_configured_one(tmp_path: Path) -> None:
    rig = IntakeRig(tmp_path, [TAKE], public_url="https://desk.example.com/")
    async with rig.running():
        answer = await rig.ask(f"{PATH}?a=1", headers={"x-forwarded-proto": "http"})
        assert answer.json()["url"] == f"https://desk.example.com{PATH}?a=1"
        assert answer.header("strict-transport-security")


async def test_connections_are_kept_and_requests_may_be_sent_ahead(tmp_path: Path) -> None:
    async with IntakeRig(tmp_path, [TAKE]).running() as rig, rig.client() as client:
        one = b"POST " + PATH.encode() + b" HTTP/1.1\r\nhost: x\r\ncontent-length: 3\r\n\r\nx=1"
        await client.send(one * 3)
        assert [(await client.answer()).status for _ in range(3)] == [202] * 3
    assert len(rig.raw) == 3
