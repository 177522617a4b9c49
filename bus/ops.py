"""`/healthz`, `/readyz` and `/metrics` of a service."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Iterator
from typing import Any

import uvicorn
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp

from bus.errors import ConfigError
from bus.health import Health


def ops_app(health: Health) -> Starlette:
    """The three routes. `/healthz`: the process runs; `/readyz`: it does its work, else 503 with the reasons."""

    async def healthz(_: Request) -> Response:
        return JSONResponse({"ok": True})

    async def readyz(_: Request) -> Response:
        return JSONResponse(
            {"ready": health.ready, "problems": health.problems, "notes": health.noted},
            status_code=200 if health.ready else 503,
        )

    async def metrics(_: Request) -> Response:
        return Response(generate_latest(), media_type=CONTENT_TYPE_LATEST)

    return Starlette(routes=[Route("/healthz", healthz), Route("/readyz", readyz), Route("/metrics", metrics)])


class EmbeddedServer(uvicorn.Server):
    """uvicorn inside a process that handles signals itself."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Leave the signals alone."""
        yield


@contextlib.asynccontextmanager
async def serving(app: ASGIApp, host: str, port: int, **options: Any) -> AsyncIterator[int]:  # noqa: ANN401
    """Serve while inside; yields the port. `options`: uvicorn's. Raises ConfigError when the port is taken."""
    config = uvicorn.Config(app, host=host, port=port, log_level="warning", access_log=False, lifespan="off", **options)
    server = EmbeddedServer(config)
    try:
        listener = config.bind_socket() if port else None
    except SystemExit:
        raise ConfigError(f"port {port} on {host} is in use; choose another") from None
    task = asyncio.create_task(server.serve(sockets=[listener] if listener else None), name="http")
    try:
        while not server.started:
            if task.done():
                raise ConfigError(f"cannot serve on {host}:{port}")
            await asyncio.sleep(0.005)
        yield int(server.servers[0].sockets[0].getsockname()[1])
    finally:
        server.should_exit = True
        await asyncio.wait({task}, timeout=3.0)
        task.cancel()
