"""One WebSocket route, served: who may open it, and its end when the connector closes."""

import asyncio
import contextlib
import time

import structlog
from prometheus_client import Gauge
from starlette.types import Receive, Scope, Send
from starlette.websockets import WebSocket, WebSocketDisconnect, WebSocketState

from ingest.intake.entrance import Entrance
from ingest.intake.http_endpoint import REQUESTS, remote_of
from ingest.intake.problem import problem
from ingest.intake.rates import RateLimits
from ingest.intake.route import Refusal, SocketRoute

log = structlog.get_logger()

OPEN = Gauge("deskstream_intake_open_sockets", "WebSockets that are open", ["connector"])
GOING_AWAY, POLICY, TOO_LONG, BROKEN, RESTART = 1001, 1008, 1009, 1011, 1012


class SocketEndpoint:
    """ASGI application of one SocketRoute. What is not let in is refused before the handshake, by HTTP."""

    def __init__(self, route: SocketRoute, entrance: Entrance, limits: RateLimits) -> None:
        self._route = route
        self._entrance = entrance
        self._limits = limits
        self._open = OPEN.labels(entrance.name)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one conversation."""
        socket = WebSocket(scope, self._measured(receive), send)
        try:
            self._admit(socket)
        except Refusal as refusal:
            REQUESTS.labels(self._entrance.name, refusal.status).inc()
            await receive()  # the handshake
            await socket.send_denial_response(problem(refusal))
            return
        self._open.inc()
        talking = asyncio.create_task(self._talk(socket))
        closing = asyncio.create_task(self._entrance.closing.wait())
        try:
            await asyncio.wait({talking, closing}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            self._open.dec()
            closing.cancel()
            talking.cancel()
            await asyncio.gather(talking, return_exceptions=True)
            if self._entrance.closing.is_set():
                await _close(socket, RESTART)

    def _admit(self, socket: WebSocket) -> None:
        self._entrance.enter()
        if socket.headers.get("origin") not in self._route.origins:
            raise Refusal(403, "origin", "Pages of this site may not open this; see allowed_origins.")
        if (wait := self._limits.retry_after(remote_of(socket.scope), time.monotonic())) is not None:
            raise Refusal(429, "too_many", "Too many requests, please wait.", headers={"Retry-After": str(wait)})

    async def _talk(self, socket: WebSocket) -> None:
        try:
            await self._route.converse(socket, self._entrance.accept)
        except WebSocketDisconnect:
            return
        except _TooLong:
            await _close(socket, TOO_LONG)
        except Refusal as refusal:
            await _close(socket, RESTART if refusal.status == 503 else POLICY)
        except Exception as error:  # a stranger's frames end his own conversation and no other
            log.exception("intake.unexpected", connector=self._entrance.name, path=self._route.path, exc_info=error)
            await _close(socket, BROKEN)
        else:
            await _close(socket, 1000)

    def _measured(self, receive: Receive) -> Receive:
        async def measured() -> "dict[str, object]":
            message = await receive()
            frame = message.get("text")
            size = len(frame.encode()) if frame is not None else len(message.get("bytes") or b"")
            if size > self._route.max_frame:
                raise _TooLong
            return dict(message)

        return measured


class _TooLong(Exception):
    pass


async def _close(socket: WebSocket, code: int) -> None:
    if socket.application_state is not WebSocketState.DISCONNECTED:
        with contextlib.suppress(RuntimeError, WebSocketDisconnect):
            await socket.close(code)
