"""Form posts and signed webhooks a second that one process takes, Kafka's acknowledgement included.

Yardsticks, asked by turns in the same run by the same client, which keeps its connections: the same route that checks
and answers but publishes nothing; and a bare route of Starlette, on the same uvicorn and loop, that reads the body,
compares an HMAC-SHA256 of it, and answers. CPU is that of the server's process, and says more on a busy machine.
"""

import asyncio
import contextlib
import hashlib
import hmac
import json
import os
import secrets
import signal
import statistics
import subprocess
import sys
import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from urllib.parse import urlsplit

import psutil
from pydantic import SecretStr
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from bus.blobs import FolderBlobs
from bus.health import Health
from bus.intake_settings import IntakeSettings
from bus.kafka_settings import KafkaSettings
from bus.ops import serving
from bus.publisher import KafkaPublisher
from bus.raw import RawMessage
from bus.record import Position
from bus.service import collect_rarely, loop_factory
from ingest.connectors.web_form import WEB_FORM, WebFormSettings
from ingest.contract import Emit, Place
from ingest.emitting import Emitting
from ingest.forms.stamps import Stamps
from ingest.intake.raw_request import raw_request
from ingest.intake.route import Accept, HttpRoute, Incoming
from ingest.intake.server import IntakeServer
from ingest.signatures import check, hex_sha256
from tests.e2e.running import Up
from tests.ingest.memory_cursors import MemoryCursors

GOALS = {
    "form posts/s in one process": "≥ 1000",
    "webhooks/s in one process": "≥ 1000",
    "form posts × the same route without Kafka": "≥ 0.4",
    "webhooks × the same route without Kafka": "≥ 0.4",
}
_KINDS = {"form": "form posts", "hook": "webhooks"}
_CONNECTIONS = 256
_KEY = b"k" * 32
_SECRET = SecretStr(_KEY.decode())


@dataclass(frozen=True)
class Load:
    """What a server did."""

    per_second: float
    cpu_us: float


def measure(up: Up, count: int, runs: int) -> dict[str, float]:
    """Medians of `runs`, all by turns, so that they meet the same machine."""
    kafka, count = str(up.endpoints()["kafka"]), 4 * count
    found: dict[str, float] = {}
    for kind, name in _KINDS.items():
        with contextlib.ExitStack() as stack:
            ours, same, bare = (
                stack.enter_context(_server(each, up.data, kafka)) for each in (kind, f"{kind}-only", "bare")
            )
            for warm in (ours, same, bare):
                _load(warm, 2_000)
            turns = [(_load(ours, count), _load(same, count), _load(bare, count)) for _ in range(runs)]
        found |= {
            f"{name}/s in one process": _median(one.per_second for one, _, _ in turns),
            f"{name}, CPU µs each": _median(one.cpu_us for one, _, _ in turns),
            f"{name} without Kafka, CPU µs each": _median(other.cpu_us for _, other, _ in turns),
            f"{name} × the same route without Kafka": _median(a.per_second / b.per_second for a, b, _ in turns),
            f"{name}, CPU × the same route without Kafka": _median(b.cpu_us / a.cpu_us for a, b, _ in turns),
            f"{name} × a bare route": _median(a.per_second / c.per_second for a, _, c in turns),
            "bare route/s": _median(c.per_second for _, _, c in turns),
            "bare route, CPU µs each": _median(c.cpu_us for _, _, c in turns),
        }
    return found


def _median(values: Iterable[float]) -> float:
    return statistics.median(values)


@dataclass(frozen=True)
class _Server:
    pid: int
    url: str
    stamp: str


@contextlib.contextmanager
def _server(kind: str, folder: Path, kafka: str) -> Iterator[_Server]:
    command = [sys.executable, "-m", "tests.bench.intake", kind, str(folder), kafka]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout
            told = json.loads(process.stdout.readline())
            yield _Server(process.pid, told["url"], told["stamp"])
        finally:
            process.send_signal(signal.SIGTERM)


def _load(server: _Server, count: int) -> Load:
    posts = [_post(server, n) for n in range(count)]
    with asyncio.Runner(loop_factory=loop_factory()) as runner:
        return runner.run(_ask(server, posts))


def _post(server: _Server, n: int) -> bytes:
    ticket = {
        "id": secrets.token_urlsafe(18),
        "language": "en",
        "_stamp": server.stamp,
        "_website": "",
        "name": "Ana Pérez",
        "email": f"customer-{n}@customer.example",
        "subject": "Where is my order?",
        "text": "I have ordered a lamp three weeks ago and it has not come yet. " * 8,
    }
    body = json.dumps(ticket).encode()
    at = urlsplit(server.url)
    return (
        f"POST {at.path} HTTP/1.1\r\nhost: {at.netloc}\r\ncontent-type: application/json\r\n"
        f"x-signature: {hmac.new(_KEY, body, hashlib.sha256).hexdigest()}\r\ncontent-length: {len(body)}\r\n\r\n"
    ).encode() + body


async def _ask(server: _Server, posts: Sequence[bytes]) -> Load:
    at, left, loop = urlsplit(server.url), iter(posts), asyncio.get_running_loop()
    clients = [_Client(left) for _ in range(_CONNECTIONS)]
    for client in clients:
        await loop.create_connection(partial(_same, client), str(at.hostname), int(at.port or 0))
    process = psutil.Process(server.pid)
    before, began = process.cpu_times(), time.perf_counter()
    for client in clients:
        client.next()
    await asyncio.gather(*(client.done for client in clients))
    spent, after = time.perf_counter() - began, process.cpu_times()
    cpu = after.user + after.system - before.user - before.system
    return Load(len(posts) / spent, cpu / len(posts) * 1e6)


def _same(client: "_Client") -> "_Client":
    return client


class _Client(asyncio.Protocol):
    """A connection that is kept: the next post leaves when the answer to the last is whole. Costs little, so that it
    is not the client that is measured.
    """

    def __init__(self, left: Iterator[bytes]) -> None:
        self._left = left
        self._got = b""
        self.done: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        self._got = got = self._got + data
        head, end, body = got.partition(b"\r\n\r\n")
        if not end:
            return
        length = int(head.partition(b"content-length: ")[2].partition(b"\r\n")[0])
        if len(body) < length:
            return
        if not head.startswith(b"HTTP/1.1 201"):
            self._end(AssertionError(head))
            return
        self._got = body[length:]
        self.next()

    def connection_lost(self, exc: Exception | None) -> None:
        self._end(exc or ConnectionError("the server has hung up"))

    def next(self) -> None:
        post = next(self._left, None)
        if post is None:
            self._end(None)
        else:
            self._transport.write(post)  # type: ignore[attr-defined]  # a transport of a stream

    def _end(self, error: Exception | None) -> None:
        if not self.done.done():
            self._transport.close()
            if error is None:
                self.done.set_result(None)
            else:
                self.done.set_exception(error)


async def _serve(kind: str, folder: Path, kafka: str) -> None:
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    async with contextlib.AsyncExitStack() as stack:
        told = await (_bare(stack) if kind == "bare" else _intake(stack, kind, folder, kafka))
        collect_rarely()  # as every service does
        print(json.dumps(told), flush=True)
        await stop.wait()


async def _bare(stack: contextlib.AsyncExitStack) -> dict[str, str]:
    async def answer(request: Request) -> Response:
        right = hmac.new(_KEY, await request.body(), hashlib.sha256).hexdigest()
        if not hmac.compare_digest(request.headers["x-signature"], right):
            return Response(status_code=401)
        return JSONResponse({"ok": True}, 201)

    app = Starlette(routes=[Route("/post", answer, methods=["POST"])])
    port = await stack.enter_async_context(serving(app, "127.0.0.1", 0, http="httptools"))
    return {"url": f"http://127.0.0.1:{port}/post", "stamp": ""}


async def _intake(stack: contextlib.AsyncExitStack, kind: str, folder: Path, kafka: str) -> dict[str, str]:
    key = "s" * 40
    place = Place("bench", folder, FolderBlobs(folder), MemoryCursors(), Health(), lambda **_: None)
    settings = WebFormSettings.model_validate(
        {
            "type": "web_form",
            "fields": ["name", "email", "subject", "text"],
            "stamp_secret": key,
            "rates": {"per_source": 10_000_000, "burst": 1_000_000, "per_second": 1_000_000},
        }
    )
    server = IntakeServer(IntakeSettings(port=0, max_connections_per_source=1_000), place.health)
    assert WEB_FORM.web
    routes = [*WEB_FORM.web(settings, place), HttpRoute("/hook", _hook)]
    entrance = server.mount(place.name, routes, settings.rates)
    running = asyncio.create_task(entrance.run(await _emit(stack, kind, place, kafka)))
    stack.callback(running.cancel)
    base = await stack.enter_async_context(server.serving())
    path = "hook" if kind.startswith("hook") else "submissions"
    return {"url": f"{base}/in/{place.name}/{path}", "stamp": Stamps(key.encode()).issue(time.time() - 5)}


async def _emit(stack: contextlib.AsyncExitStack, kind: str, place: Place, kafka: str) -> Emit:
    if kind.endswith("-only"):

        async def nothing(*raw: RawMessage) -> Sequence[Position]:
            return [Position("", 0, 0) for _ in raw]

        return nothing
    publisher = KafkaPublisher(KafkaSettings(servers=kafka), linger=0.002)
    await publisher.start()
    stack.push_async_callback(publisher.stop)
    return Emitting(WEB_FORM, place.name, publisher, place.blobs, counted=lambda _: None)


async def _hook(incoming: Incoming, accept: Accept) -> Response:
    check(incoming.headers, "x-signature", [hex_sha256(_SECRET, incoming.body)])
    await accept(raw_request(incoming, "web_form", "bench"))
    return JSONResponse({"ok": True}, 201)


def _main(arguments: Sequence[str]) -> None:
    kind, folder, kafka = arguments
    os.environ.pop("DESKSTREAM_RUN_FILE", None)
    with asyncio.Runner(loop_factory=loop_factory()) as runner:
        runner.run(_serve(kind, Path(folder), kafka))


if __name__ == "__main__":
    _main(sys.argv[1:])
