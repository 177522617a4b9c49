"""A provider's server on a port of its own, in a thread; faults are put in its way by method and path."""

import contextlib
import socket
import threading
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Literal
from urllib.parse import parse_qsl

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

from normalize.payload.multipart import read_multipart
from tests.certificates import Certificates


@dataclass
class Fault:
    """What happens to the next request whose `METHOD /path` begins with `on`, once or `times`.

    `cut`: the request is carried out and the connection is lost in the middle of the answer.
    """

    on: str
    status: int = 500
    body: bytes = b"{}"
    headers: Mapping[str, str] = field(default_factory=dict)
    how: Literal["answer", "cut"] = "answer"
    times: int = 1


class Faulty:
    """The application with faults in front. `asked`: `METHOD /path` of every request."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app
        self.faults: list[Fault] = []
        self.asked: list[str] = []

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        line = f"{scope['method']} {scope['path']}"
        self.asked.append(line)
        fault = next((each for each in self.faults if line.startswith(each.on)), None)
        if fault is None:
            await self._app(scope, receive, send)
            return
        fault.times -= 1
        if fault.times <= 0:
            self.faults.remove(fault)
        if fault.how == "answer":
            await Response(fault.body, fault.status, dict(fault.headers))(scope, receive, send)
            return

        async def swallow(_: object) -> None:
            return

        await self._app(scope, receive, swallow)
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"1000")]})
        await send({"type": "http.response.body", "body": b"{", "more_body": False})


async def fields(request: Request) -> Mapping[str, str]:
    """A form's values, and its files by their names."""
    body, media_type = await request.body(), request.headers.get("content-type", "")
    if not media_type.startswith("multipart/"):
        return dict(parse_qsl(body.decode()))
    form = read_multipart(media_type, body)
    return dict(form.values) | {file.field: file.name for file in form.files}


@contextlib.contextmanager
def served(app: Starlette, certificates: Certificates | None = None) -> Iterator[tuple[str, Faulty]]:
    """The base URL and the faults, while inside."""
    faulty = Faulty(app)
    config = uvicorn.Config(
        faulty,
        log_level="critical",
        lifespan="off",
        timeout_graceful_shutdown=1,
        ssl_certfile=certificates.chain if certificates else None,
        ssl_keyfile=certificates.key if certificates else None,
    )
    server = uvicorn.Server(config)
    listening = socket.create_server(("127.0.0.1", 0))
    thread = threading.Thread(target=server.run, args=([listening],), daemon=True)
    thread.start()
    try:
        yield f"{'https' if certificates else 'http'}://127.0.0.1:{listening.getsockname()[1]}", faulty
    finally:
        server.should_exit = True
        thread.join(30)
        listening.close()
