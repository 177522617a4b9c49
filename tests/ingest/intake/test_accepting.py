"""When a request is told 2xx, and what it is told when it cannot be."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from pathlib import Path

import pytest
import pytest_asyncio
from starlette.responses import Response

from bus.errors import Invalid
from bus.raw import RawMessage
from bus.record import Position
from ingest.intake import entrance
from ingest.intake.route import Accept, ClosedRoute, HttpRoute, Incoming, Route
from tests.ingest.intake.rig import NAME, TAKE, IntakeRig


class Gate:
    """An Emit that waits until it is opened, then publishes."""

    def __init__(self, rig: IntakeRig) -> None:
        self._emit = rig.emit
        self.entered = asyncio.Event()
        self.open = asyncio.Event()

    async def __call__(self, *raw: RawMessage) -> Sequence[Position]:
        return await asyncio.shield(asyncio.ensure_future(self._once_open(raw)))  # as Emit promises

    async def _once_open(self, raw: Sequence[RawMessage]) -> Sequence[Position]:
        self.entered.set()
        await self.open.wait()
        return await self._emit(*raw)


async def _crash(incoming: Incoming, accept: Accept) -> Response:
    raise KeyError("secret-of-ours")


async def _sleep(incoming: Incoming, accept: Accept) -> Response:
    await asyncio.Event().wait()
    return Response()


ROUTES: list[Route] = [
    TAKE,
    HttpRoute("/crash", _crash),
    HttpRoute("/sleep", _sleep, deadline=0.2),
    ClosedRoute("/signed", "[connectors.hook] secret is missing: without it nobody can be believed"),
]


@pytest_asyncio.fixture
async def rig(tmp_path: Path) -> AsyncIterator[IntakeRig]:
    async with IntakeRig(tmp_path, ROUTES).running() as rig:
        yield rig


async def _stands(rig: IntakeRig, count: int = 1) -> None:
    async with asyncio.timeout(20):
        while len(rig.raw) < count:
            await asyncio.sleep(0.01)
    assert len(rig.raw) == count


async def test_2xx_comes_only_after_the_record_is_acknowledged(rig: IntakeRig) -> None:
    gate = rig.emit = Gate(rig)
    async with rig.client() as client:
        asked = asyncio.create_task(client.ask("POST", f"/in/{NAME}/take", b"x=1"))
        await gate.entered.wait()
        assert not (await asyncio.wait({asked}, timeout=0.3))[0]
        gate.open.set()
        assert (await asked).status == 202
    assert len(rig.raw) == 1


async def test_the_record_has_the_body_as_it_came_and_no_more_headers_than_are_read(rig: IntakeRig) -> None:
    headers = {"content-type": "application/x-www-form-urlencoded", "cookie": "session=1", "authorization": "Basic x"}
    await rig.ask(f"/in/{NAME}/take?a=%C3%A9", b"x=%20\xff", headers)
    (raw,) = rig.raw
    assert await rig.payload(raw) == b"x=%20\xff"
    assert raw.headers == {"content-type": headers["content-type"], ":method": "POST", ":path": "/take?a=%C3%A9"}
    assert raw.remote == "127.0.0.1"


async def test_503_while_kafka_does_not_take_it_and_2xx_when_it_does_again(rig: IntakeRig) -> None:
    rig.bus.reachable = False
    answer = await rig.ask()
    assert (answer.status, answer.header("retry-after")) == (503, "5")
    assert answer.header("content-type") == "application/problem+json"
    rig.bus.reachable = True
    assert (await rig.ask()).status == 202
    assert len(rig.raw) == 1


async def test_503_within_its_own_deadline(rig: IntakeRig, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(entrance, "EMIT_DEADLINE", 0.2)
    gate = rig.emit = Gate(rig)
    assert (await rig.ask()).status == 503
    gate.open.set()
    await _stands(rig)  # what was under way is not taken back


async def test_a_client_that_hangs_up_stops_nothing(rig: IntakeRig) -> None:
    gate = rig.emit = Gate(rig)
    async with rig.client() as client:
        await client.head("POST", f"/in/{NAME}/take", {"content-length": "3"})
        await client.send(b"x=1")
        await gate.entered.wait()
        client.writer.transport.abort()
    await asyncio.sleep(0.05)
    gate.open.set()
    await _stands(rig)


async def test_what_no_topic_takes_is_refused_for_good(rig: IntakeRig) -> None:
    async def never(*_: RawMessage) -> Sequence[Position]:
        raise Invalid("too large")

    rig.emit = never
    answer = await rig.ask()
    assert (answer.status, answer.header("retry-after")) == (422, None)


async def test_a_fault_of_ours_says_nothing_and_the_next_request_is_served(rig: IntakeRig) -> None:
    answer = await rig.ask(f"/in/{NAME}/crash")
    assert answer.status == 500
    assert b"secret-of-ours" not in answer.body
    assert (await rig.ask()).status == 202


async def test_a_handler_has_a_deadline(rig: IntakeRig) -> None:
    answer = await rig.ask(f"/in/{NAME}/sleep")
    assert (answer.status, answer.header("retry-after")) == (503, "5")


async def test_a_webhook_without_its_secret_is_not_there_and_says_so(rig: IntakeRig) -> None:
    assert (await rig.ask(f"/in/{NAME}/signed")).status == 404
    assert "secret is missing" in rig.health.problems[f"{NAME}: /signed"]


async def test_a_paused_connector_takes_nothing_and_gives_those_inside_their_answer(rig: IntakeRig) -> None:
    gate = rig.emit = Gate(rig)
    inside = asyncio.create_task(rig.ask())
    await gate.entered.wait()
    closing = asyncio.create_task(rig.close())
    async with asyncio.timeout(20):
        while rig.entrances[NAME].open:
            await asyncio.sleep(0.01)
    answer = await rig.ask()
    assert (answer.status, answer.header("retry-after")) == (503, "30")
    gate.open.set()
    assert (await inside).status == 202
    await closing
    rig.open()
    assert (await rig.ask()).status == 202
    assert len(rig.raw) == 2


@pytest.mark.parametrize("path", ["/", "/in", "/in/other/take", f"/in/{NAME}", f"/in/{NAME}/", f"/in/{NAME}/take/x"])
async def test_nothing_else_is_there(rig: IntakeRig, path: str) -> None:
    answer = await rig.ask(path)
    assert (answer.status, answer.json()["kind"]) == (404, "not_found")


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE", "TRACE", "OPTIONS", "CONNECT"])
async def test_another_method_is_none(rig: IntakeRig, method: str) -> None:
    assert (await rig.ask(method=method, body=b"")).status in {400, 404, 405}
    assert not rig.raw
