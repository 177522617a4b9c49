"""Telephone systems: how each signs or logs in, and where recordings lie."""

import contextlib
import hashlib
import hmac
from base64 import b64encode
from collections.abc import Iterator, Mapping
from urllib.parse import urlencode

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from tests.certificates import Certificates
from tests.providers.serving import Faulty, served

RECORDING = b"RIFF" + bytes(range(256)) * 8
FORM = "application/x-www-form-urlencoded"


def placetel(fields: Mapping[str, str], secret: str) -> tuple[dict[str, str], bytes]:
    """Headers and body, signed as Placetel's Notify API does."""
    body = urlencode(fields).encode()
    return placetel_signature(body, secret), body


def placetel_signature(body: bytes, secret: str) -> dict[str, str]:
    """The headers of these bytes."""
    digest = hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()
    return {"content-type": FORM, "x-placetel-signature": digest}


def twilio(fields: Mapping[str, str], token: str, url: str) -> tuple[dict[str, str], bytes]:
    """Headers and body, signed as Twilio's "Validating Signatures" says."""
    text = url + "".join(f"{name}{fields[name]}" for name in sorted(fields))
    digest = b64encode(hmac.new(token.encode(), text.encode(), hashlib.sha1).digest()).decode()
    return {"content-type": FORM, "x-twilio-signature": digest}, urlencode(fields).encode()


class Recordings:
    """A server with one recording, and what else may stand at an address."""

    def __init__(self) -> None:
        self.url = ""
        self.faulty: Faulty
        self.logins: list[str | None] = []

    async def good(self, request: Request) -> Response:
        self.logins.append(request.headers.get("authorization"))
        return Response(RECORDING, media_type="audio/x-wav")

    async def endless(self, _: Request) -> Response:
        return Response(b"x" * 100_000, media_type="audio/x-wav")

    async def elsewhere(self, request: Request) -> Response:
        self.logins.append(request.headers.get("authorization"))
        return RedirectResponse(request.query_params["to"])


@contextlib.contextmanager
def recordings(certificates: Certificates | None = None) -> Iterator[Recordings]:
    """A running one."""
    files = Recordings()
    routes = [
        Route("/good.wav", files.good),
        Route("/endless.wav", files.endless),
        Route("/elsewhere.wav", files.elsewhere),
    ]
    with served(Starlette(routes=routes), certificates) as (files.url, files.faulty):
        yield files
