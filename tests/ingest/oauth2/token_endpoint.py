"""A token endpoint (RFC 6749 §6, §4.4) that rotates refresh tokens and can be told to refuse."""

import itertools
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any
from urllib.parse import parse_qs

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from bus.ops import serving


class TokenEndpoint:
    """`refresh_token`: the only one that is good now. `refusals`: what to answer instead, one after another."""

    def __init__(self, *, rotates: bool = True, life: float = 3600) -> None:
        self.rotates = rotates
        self.life = life
        self.refresh_token = "first-refresh-token"
        self.asked: list[dict[str, str]] = []
        self.given: list[str] = []
        self.refusals: list[Response] = []
        self._numbers = itertools.count(1)

    @property
    def access_token(self) -> str:
        """The newest."""
        return self.given[-1]

    def refuse(self, status: int, error: str, **headers: str) -> None:
        """Once."""
        body = {"error": error, "error_description": f"because of {error}"}
        self.refusals.append(JSONResponse(body, status, headers={k.replace("_", "-"): v for k, v in headers.items()}))

    async def _answer(self, request: Request) -> Response:
        form = {name: values[0] for name, values in parse_qs((await request.body()).decode()).items()}
        self.asked.append(form)
        if self.refusals:
            return self.refusals.pop(0)
        if form["grant_type"] == "refresh_token" and form.get("refresh_token") != self.refresh_token:
            return JSONResponse({"error": "invalid_grant", "error_description": "AADSTS70008: expired"}, 400)
        number = next(self._numbers)
        self.given.append(f"access-{number}")
        answer: dict[str, Any] = {"access_token": self.access_token, "expires_in": self.life, "token_type": "Bearer"}
        if self.rotates and form["grant_type"] == "refresh_token":
            self.refresh_token = answer["refresh_token"] = f"refresh-{number}"
        return JSONResponse(answer)

    @asynccontextmanager
    async def serving(self) -> AsyncIterator[str]:
        """Its URL."""
        app = Starlette(routes=[Route("/token", self._answer, methods=["POST"])])
        async with serving(app, "127.0.0.1", 0) as port:
            yield f"http://127.0.0.1:{port}/token"
