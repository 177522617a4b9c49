"""Chat: how long a visitor waits for the acknowledgement, with 1,000 windows in one process and 200 messages a second.

The server is a `deskstream connector` of its own beside a running desk, which files and confirms what comes meanwhile.
A message's time runs from the moment it was due to be sent, so that a client that is late counts against us. Yardstick,
in the same run: `ping` to `pong` of other visitors at a tenth of the rate, which needs no Kafka.
"""

import asyncio
import json
import os
import resource
import statistics
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psutil
import websockets
from websockets.typing import Origin

from tests.e2e.running import BIN, Up

GOALS = {"chat: 1,000 visitors, 200 messages/s, p99 ms to acknowledgement": "≤ 250"}
_SITE = "https://www.shop.example"
_VISITORS, _RATE, _SECONDS, _WARM = 1_000, 200, 15, 2
_CONFIG = f"""
[intake]
max_connections_per_source = {2 * _VISITORS}
[connectors.bench-chat]
type = "chat"
allowed_origins = ["{_SITE}"]
rates = {{ per_source = 1000000, burst = 100000 }}
"""


def measure(up: Up) -> dict[str, float]:
    """Percentiles of one run, and what a message costs the connector."""
    _raise_the_limit_of_files(4 * _VISITORS)
    with _connector(up) as (pid, base):
        process = psutil.Process(pid)
        before = _cpu(process)
        waited, pongs, opened = asyncio.run(_visit(base))
        spent = _cpu(process) - before
        megabytes = process.memory_info().rss / 2**20
    cuts, floor = statistics.quantiles(waited, n=100), statistics.quantiles(pongs, n=100)
    what = f"chat: {_VISITORS:,} visitors, {_RATE} messages/s"
    return {
        f"{what}, p50 ms to acknowledgement": cuts[49],
        f"{what}, p99 ms to acknowledgement": cuts[98],
        f"{what}, longest ms": max(waited),
        f"{what}, p50 ms to a pong": floor[49],
        f"{what}, p99 ms to a pong": floor[98],
        f"{what}, CPU µs each, the connections included": spent / len(waited) * 1e6,
        f"chat: {_VISITORS:,} visitors, s to connect": opened,
        f"chat: {_VISITORS:,} visitors, MB of the connector": megabytes,
    }


@contextmanager
def _connector(up: Up) -> Iterator[tuple[int, str]]:
    config, told = up.data / "bench-chat.toml", up.data / "bench-chat.json"
    config.write_text(_CONFIG)
    told.unlink(missing_ok=True)
    command: list[str | Path] = [
        BIN,
        "connector",
        "bench-chat",
        "--data",
        up.data,
        "--config",
        config,
        "--intake-port",
        "0",
    ]
    command += ["--kafka", str(up.endpoints()["kafka"])]
    with (up.data / "bench-chat.log").open("ab") as out:
        process = subprocess.Popen(command, stdout=out, stderr=out, env=os.environ | {"DESKSTREAM_RUN_FILE": str(told)})
    try:
        yield process.pid, _address(process, told)
    finally:
        process.terminate()
        process.wait(60)


def _address(process: "subprocess.Popen[bytes]", told: Path) -> str:
    deadline = time.monotonic() + 60
    while True:
        assert process.poll() is None, "the connector did not start; see bench-chat.log"
        facts = json.loads(told.read_text()) if told.exists() else {}
        if "intake" in facts:
            return str(facts["intake"])
        assert time.monotonic() < deadline
        time.sleep(0.05)


def _cpu(process: psutil.Process) -> float:
    """Of the connector itself, without the child that understands."""
    times = process.cpu_times()
    return float(times.user + times.system)


def _raise_the_limit_of_files(wanted: int) -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (min(wanted, hard), hard))


async def _visit(base: str) -> tuple[list[float], list[float], float]:
    """Milliseconds of each message and of each ping, and the seconds it took until all windows were open."""
    url = base.replace("http", "ws", 1) + "/in/bench-chat/socket"
    sockets: list[websockets.ClientConnection] = []
    began = time.perf_counter()
    try:
        while len(sockets) < _VISITORS:
            sockets += await asyncio.gather(*(_window(url) for _ in range(min(50, _VISITORS - len(sockets)))))
        opened = time.perf_counter() - began
        due: dict[str, float] = {}
        waited: list[float] = []
        pongs: list[float] = []
        pinged: dict[int, float] = {}
        hearing = [
            asyncio.create_task(_hear(n, socket, due, waited, pinged, pongs)) for n, socket in enumerate(sockets)
        ]
        start = time.perf_counter()
        for n in range(_RATE * (_SECONDS + _WARM)):
            at = start + n / _RATE
            if (early := at - time.perf_counter()) > 0:
                await asyncio.sleep(early)
            id_ = f"message-{n:06}"
            due[id_] = at if n >= _RATE * _WARM else 0.0
            text = f"I have ordered lamp number {n} three weeks ago, and it has not come yet."
            if n % 10 == 0 and (other := (n + _VISITORS // 2) % _VISITORS) not in pinged:
                pinged[other] = at
                await sockets[other].send('{"type": "ping"}')
            await sockets[n % _VISITORS].send(json.dumps({"type": "message", "id": id_, "text": text}))
        async with asyncio.timeout(60):
            while due:
                await asyncio.sleep(0.05)
        for task in hearing:
            task.cancel()
        await asyncio.gather(*hearing, return_exceptions=True)
        assert len(waited) == _RATE * _SECONDS
        return waited, pongs, opened
    finally:
        await asyncio.gather(*(socket.close() for socket in sockets))


async def _window(url: str) -> websockets.ClientConnection:
    socket = await websockets.connect(url, origin=Origin(_SITE), compression=None, ping_interval=None)
    await socket.send('{"type": "hello"}')
    assert json.loads(await socket.recv())["type"] == "welcome"
    return socket


async def _hear(
    n: int,
    socket: websockets.ClientConnection,
    due: dict[str, float],
    waited: list[float],
    pinged: dict[int, float],
    pongs: list[float],
) -> None:
    """A window: what the desk says is shown, and that said."""
    async for data in socket:
        now = time.perf_counter()
        frame: dict[str, Any] = json.loads(data)
        if frame["type"] == "ack" and (at := due.pop(frame["id"])):
            waited.append((now - at) * 1_000)
        elif frame["type"] == "pong":
            pongs.append((now - pinged.pop(n)) * 1_000)
        elif frame["type"] == "reply":
            await socket.send(json.dumps({"type": "got", "ids": [frame["id"]]}))
        else:
            assert frame["type"] in ("ack", "noted"), frame
