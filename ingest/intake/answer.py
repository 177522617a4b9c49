"""Sending an answer: its security headers, its CORS headers, and what of the request is still under way."""

from collections.abc import Mapping

from starlette.responses import Response
from starlette.types import Message, Receive, Scope, Send

from ingest.intake.body import pour_away

_ALWAYS: Mapping[str, str] = {
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "referrer-policy": "no-referrer",
    "content-security-policy": "default-src 'none'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'",
    "cross-origin-resource-policy": "same-origin",
    "permissions-policy": "camera=(), geolocation=(), microphone=()",
    "cache-control": "no-store",
}
"""Unless the handler has said something else."""


def secured(response: Response, *, https: bool, origin: str | None) -> None:
    """Add the headers. `origin`: the site whose script may read the answer."""
    said = {name for name, _ in response.raw_headers}
    if origin is not None:
        response.raw_headers += [
            (b"access-control-allow-origin", origin.encode("latin-1")),
            (b"access-control-expose-headers", b"retry-after"),
            (b"vary", b"Origin"),
        ]
        if b"cross-origin-resource-policy" not in said:
            response.raw_headers.append((b"cross-origin-resource-policy", b"cross-origin"))
            said.add(b"cross-origin-resource-policy")
    response.raw_headers += [(name, value) for name, value in _ENCODED if name not in said]
    if https:
        response.raw_headers.append((b"strict-transport-security", b"max-age=31536000"))


_ENCODED = [(name.encode(), value.encode()) for name, value in _ALWAYS.items()]


def preflight(methods: tuple[str, ...]) -> Response:
    """What a browser asks before a script of another site may call."""
    return Response(
        status_code=204,
        headers={
            "access-control-allow-methods": ", ".join(methods),
            "access-control-allow-headers": "content-type, idempotency-key, authorization, x-deskstream-identity",
            "access-control-max-age": "600",
        },
    )


async def answer(response: Response, scope: Scope, receive: Receive, send: Send, *, whole: bool) -> None:
    """Send it. Not `whole`: the request's body has not been read to its end; then the connection ends with the
    answer, after the client has had the time to see it.
    """
    if whole:
        await response(scope, receive, send)
        return
    response.raw_headers.append((b"connection", b"close"))

    async def lingering(message: Message) -> None:
        if message["type"] != "http.response.body" or message.get("more_body"):
            await send(message)
            return
        await send({**message, "more_body": True})
        await pour_away(receive)
        await send({"type": "http.response.body", "body": b"", "more_body": False})

    await response(scope, receive, lingering)
