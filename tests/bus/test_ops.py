"""Health and metrics of a service over HTTP."""

import asyncio
import socket
from urllib.error import HTTPError
from urllib.request import urlopen

import pytest

from bus.errors import ConfigError
from bus.health import Health
from bus.ops import ops_app, serving
from bus.parking import PARKED


def get(port: int, path: str) -> tuple[int, str]:
    try:
        with urlopen(f"http://127.0.0.1:{port}{path}", timeout=10) as answer:
            return answer.status, answer.read().decode()
    except HTTPError as error:
        with error:
            return error.code, error.read().decode()


async def test_readiness_says_what_is_wrong_until_all_holds() -> None:
    health = Health()
    async with serving(ops_app(health), "127.0.0.1", 0) as port:
        assert (await asyncio.to_thread(get, port, "/healthz"))[0] == 200
        assert (await asyncio.to_thread(get, port, "/readyz"))[0] == 503  # nothing is known yet
        health.set("kafka")
        health.set("database", "the database: refused")
        status, body = await asyncio.to_thread(get, port, "/readyz")
        assert status == 503
        assert '"database":"the database: refused"' in body
        assert "kafka" not in body
        health.set("database")
        assert (await asyncio.to_thread(get, port, "/readyz"))[0] == 200
        health.set("kafka", "gone")
        assert (await asyncio.to_thread(get, port, "/readyz"))[0] == 503
        assert (await asyncio.to_thread(get, port, "/healthz"))[0] == 200


async def test_metrics_are_prometheus_text() -> None:
    PARKED.labels("a-stage").inc()
    async with serving(ops_app(Health()), "127.0.0.1", 0) as port:
        status, body = await asyncio.to_thread(get, port, "/metrics")
    assert status == 200
    assert 'deskstream_parked_records_total{stage="a-stage"}' in body


async def test_a_port_in_use_is_named() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(ConfigError, match=str(port)):
            async with serving(ops_app(Health()), "127.0.0.1", port):
                pass
