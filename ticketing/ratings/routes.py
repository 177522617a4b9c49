"""`/r/TOKEN`, for customers: GET shows the form and records nothing, POST records. Nobody logs in."""

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Final
from urllib.parse import parse_qs

from sqlalchemy.ext.asyncio import AsyncEngine
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import Route, Router
from starlette.types import Receive, Scope, Send

from bus.errors import Retryable
from ticketing.acts.desk import Desk
from ticketing.ratings.giving import Given, Rating, give, look
from ticketing.ratings.links import Rated, read_token
from ticketing.ratings.page import form, sentence, style_source
from ticketing.ratings.wording import Words, words_for
from ticketing.receipts import now_utc

LARGEST_BODY: Final = 16 * 1024
_RATINGS: Final[Mapping[str, Rating]] = {"good": "good", "ok": "ok", "bad": "bad"}
HEADERS: Final[Mapping[str, str]] = {
    "Content-Security-Policy": (
        f"default-src 'none'; style-src {style_source()}; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    ),
    "Cache-Control": "no-store",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Robots-Tag": "noindex, nofollow",
}


def router(engine: AsyncEngine, desk: Desk, now: Callable[[], datetime] = now_utc) -> Router:
    """The routes, to be mounted under `/r`."""
    return Router([Route("/{token}", _Asking(engine, desk, now), methods=["GET", "POST"])])


class _Asking:
    def __init__(self, engine: AsyncEngine, desk: Desk, now: Callable[[], datetime]) -> None:
        self._now = now
        self._engine = engine
        self._desk = desk
        self._name = desk.confirming.desk.name

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope, receive)
        try:
            answer = await self._answer(request)
        except Retryable:
            headers = {**HEADERS, "Retry-After": "10"}
            answer = Response("Please try again in a moment.", 503, headers, "text/plain")
        await answer(scope, receive, send)

    async def _answer(self, request: Request) -> Response:
        what = read_token(self._desk.confirming.tokens, request.path_params["token"])
        given = await look(self._engine, what, self._desk.ratings, self._now()) if what else None
        words = self._words(request, given)
        if what is None or given is None:
            return self._says(words, words.unknown, 404)
        if given.closed:
            return self._says(words, words.over, 410)
        if request.method == "POST":
            return await self._recorded(request, what, given, words)
        return _html(form(words, self._name, given, request.query_params.get("rating")))

    async def _recorded(self, request: Request, what: Rated, before: Given, words: Words) -> Response:
        fields = await _fields(request)
        if fields is None:
            return self._says(words, words.unknown, 413)
        rating = _RATINGS.get(fields.get("rating", ""))
        if rating is None:
            return _html(form(words, self._name, before, None, said=words.choose), 422)
        given = await give(self._engine, what, rating, fields.get("words"), self._desk.ratings, self._now())
        if given is None:
            return self._says(words, words.unknown, 404)
        if given.rating != rating:
            return self._says(words, words.over, 410)
        return _html(form(words, self._name, given, None, said=words.thanks))

    def _says(self, words: Words, sentence_: str, status: int) -> Response:
        return _html(sentence(words, self._name, sentence_), status)

    def _words(self, request: Request, given: Given | None) -> Words:
        """In the ticket's language, else as the browser asks."""
        accepted = request.headers.get("accept-language", "").split(",")
        languages = (given.language if given else None, *(each.partition(";")[0].strip() for each in accepted))
        return words_for(languages, self._desk.confirming.desk.language)


async def _fields(request: Request) -> dict[str, str] | None:
    """The form's fields; None when it is too large."""
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > LARGEST_BODY:
            return None
    found = parse_qs(body.decode("utf-8", "replace"), max_num_fields=10)
    return {field: values[0] for field, values in found.items()}


def _html(page: str, status: int = 200) -> HTMLResponse:
    return HTMLResponse(page, status, dict(HEADERS))
