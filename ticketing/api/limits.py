"""What every request is held to and every answer carries, whatever route it takes: ASGI, outside of the routes."""

from typing import Final

from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from ticketing.api.problems import Refused, answer

LARGEST_BODY: Final = 1 << 20
"""Bytes of a request, except where a file is handed in."""
LARGEST_FILE: Final = 25 << 20
"""Bytes of a file that is handed in; mail servers take hardly more."""

HEADERS: Final = {
    "X-Content-Type-Options": "nosniff",
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Resource-Policy": "same-origin",
    "X-Frame-Options": "DENY",
}
"""On every answer that does not say otherwise itself."""


class SecurityHeaders:
    """Adds HEADERS to every answer."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """ASGI."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        async def with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in HEADERS.items():
                    headers.setdefault(name, value)
            await send(message)

        await self._app(scope, receive, with_headers)


class BodyLimit:
    """Refuses what is too large: by its declared length at once, else as soon as that many bytes have come."""

    def __init__(self, app: ASGIApp, files: str) -> None:
        self._app, self._files = app, files

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """ASGI."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        most = LARGEST_FILE if scope["path"] == self._files else LARGEST_BODY
        too_large = Refused("too-large", f"at most {most} bytes are taken here")
        declared = dict(scope["headers"]).get(b"content-length", b"0")
        if not declared.isdigit() or int(declared) > most:
            await answer(too_large)(scope, receive, send)
            return
        seen, over = 0, False

        async def counted() -> Message:
            nonlocal seen, over
            message = await receive()
            seen += len(message.get("body", b""))
            if seen > most:
                over = True
                raise too_large
            return message

        async def or_refused(message: Message) -> None:
            # whatever the application makes of a body that breaks off, this is why
            if not over:
                await send(message)
            elif message["type"] == "http.response.start":
                await answer(too_large)(scope, receive, send)

        await self._app(scope, counted, or_refused)
