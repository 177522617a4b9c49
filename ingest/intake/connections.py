"""Connections: how many, how long one may take to say what it wants, and how much it may say."""

import asyncio
from collections import Counter
from typing import Any, ClassVar, cast

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol

from bus.intake_settings import IntakeSettings
from ingest.intake.corked import Corked
from ingest.intake.rates import source_of
from ingest.trusted_networks import TrustedNetworks

_HEADERS_IN = 15.0
"""Seconds for a request's line and headers, from the first byte (of the first request: from the connection)."""
_HEADER_BYTES = 32 * 1024
_FULL = b"HTTP/1.1 503 Service Unavailable\r\nRetry-After: 10\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"
_TOO_MANY = b"HTTP/1.1 429 Too Many Requests\r\nRetry-After: 10\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"
_LONG = b"HTTP/1.1 431 Request Header Fields Too Large\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"


class Connections:
    """Counts the open ones, in all and by source."""

    def __init__(self, settings: IntakeSettings) -> None:
        self._settings = settings
        self._proxies = TrustedNetworks(settings.trusted_proxies)
        self._by_source: Counter[str] = Counter()
        self._counted: dict[asyncio.BaseTransport, str] = {}

    def enter(self, transport: asyncio.BaseTransport) -> bytes | None:
        """Count one in; or the answer that turns it away."""
        if len(self._counted) >= self._settings.max_connections:
            return _FULL
        peer = transport.get_extra_info("peername")
        remote = str(peer[0]) if isinstance(peer, tuple) else "?"
        source = "" if remote in self._proxies else source_of(remote)
        if source and self._by_source[source] >= self._settings.max_connections_per_source:
            return _TOO_MANY
        self._by_source[source] += 1
        self._counted[transport] = source
        return None

    def leave(self, transport: asyncio.BaseTransport) -> None:
        """Count one out, once."""
        source = self._counted.pop(transport, None)
        if source is not None:
            self._by_source[source] -= 1
            if self._by_source[source] <= 0:
                del self._by_source[source]


class LimitedHttp(HttpToolsProtocol):
    """uvicorn's protocol with limits for a client that says nothing, or whose headers have no end.

    A sub-class names the `admitted` that count it.
    """

    admitted: ClassVar[Connections]
    _late: asyncio.TimerHandle | None = None
    _header_bytes = 0
    _in_headers = True
    _begun = False

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as uvicorn's own
        """Count it in, or turn it away."""
        corked = cast("asyncio.Transport", Corked(transport, self.loop))
        if (refused := self.admitted.enter(corked)) is not None:
            self.transport = corked
            corked.write(refused)
            corked.close()
            return
        super().connection_made(corked)
        self._arm()

    def connection_lost(self, exc: Exception | None) -> None:
        """Count it out."""
        self._disarm()
        if self.flow is not None:  # else it was turned away
            self.admitted.leave(self.transport)
            super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Feed the parser, as long as headers stay within their limit."""
        if self.flow is None or self.transport.is_closing():
            return
        if self._in_headers:
            self._header_bytes += len(data)
        super().data_received(data)
        if self._in_headers and self._header_bytes > _HEADER_BYTES:
            self.transport.write(_LONG)
            self.transport.close()
        elif self._begun:
            self._arm()  # most come whole and need no clock

    def on_message_begin(self) -> None:
        """A request begins."""
        super().on_message_begin()
        self._begun = True

    def on_headers_complete(self) -> None:
        """Its headers are in."""
        self._in_headers = self._begun = False
        self._disarm()
        super().on_headers_complete()

    def on_message_complete(self) -> None:
        """It is whole; what comes now are headers again."""
        super().on_message_complete()
        self._in_headers = True
        self._header_bytes = 0

    def _arm(self) -> None:
        if self._late is None:
            self._late = self.loop.call_later(_HEADERS_IN, self._is_late)

    def _disarm(self) -> None:
        if self._late is not None:
            self._late.cancel()
            self._late = None

    def _is_late(self) -> None:
        self._late = None
        self.transport.close()


class CountedSocket(WebSocketsSansIOProtocol):
    """The WebSocket that a counted connection becomes."""

    admitted: ClassVar[Connections]

    def connection_lost(self, exc: Exception | None) -> None:
        """Count it out."""
        self.admitted.leave(self.transport)
        super().connection_lost(exc)


def uvicorn_options(settings: IntakeSettings, longest_frame: int) -> dict[str, Any]:
    """How uvicorn is told of all this."""
    connections = Connections(settings)
    return {
        "http": type("Http", (LimitedHttp,), {"admitted": connections}),
        "ws": type("Socket", (CountedSocket,), {"admitted": connections}),
        "ws_max_size": longest_frame,
        "ws_per_message_deflate": False,
        "proxy_headers": bool(settings.trusted_proxies),
        "forwarded_allow_ips": [str(network) for network in settings.trusted_proxies],
        "server_header": False,
        "timeout_keep_alive": 15,
        "backlog": 1_024,
    }
