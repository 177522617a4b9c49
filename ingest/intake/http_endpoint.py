"""One route, served: everything that comes before its handler, and after it."""

import time
from datetime import UTC, datetime
from urllib.parse import quote, urlsplit

import structlog
from prometheus_client import Counter, Histogram
from starlette.datastructures import Headers, QueryParams
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from bus.deadlines import Deadlines
from bus.intake_settings import IntakeSettings
from ingest.intake.answer import answer, preflight, secured
from ingest.intake.body import Held, HungUp, Memory, declared_length
from ingest.intake.entrance import Entrance
from ingest.intake.indexed_headers import IndexedHeaders
from ingest.intake.problem import CRASHED, problem
from ingest.intake.rates import RateLimits, source_of
from ingest.intake.route import HttpRoute, Incoming, Refusal, Unavailable

log = structlog.get_logger()

REQUESTS = Counter("deskstream_intake_requests_total", "Requests answered", ["connector", "status"])
SECONDS = Histogram("deskstream_intake_request_seconds", "From a request's first line to its answer", ["connector"])


_NO_QUERY = QueryParams()


class HttpEndpoint:
    """ASGI application of one HttpRoute."""

    def __init__(
        self, route: HttpRoute, entrance: Entrance, limits: RateLimits, memory: Memory, settings: IntakeSettings
    ) -> None:
        self._route = route
        self._entrance = entrance
        self._limits = limits
        self._memory = memory
        self._settings = settings
        self._prefix = f"/in/{entrance.name}"
        self._root = urlsplit(settings.public_url or "").path + self._prefix
        self._seconds = SECONDS.labels(entrance.name)
        self._by_status: dict[int, Counter] = {}
        self._deadlines = Deadlines()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        began = time.perf_counter()
        headers = IndexedHeaders(scope)
        origin = self._readable_by(headers)
        held = Held(self._memory, source_of(remote_of(scope)), self._deadlines)
        whole = headers.get("content-length", "0") == "0" and "transfer-encoding" not in headers
        try:
            try:
                if (response := self._admit(scope, headers)) is None:
                    body = await held.read(headers, receive, self._route.max_body)
                    whole = True
                    response = await self._handled(scope, headers, body)
            except Refusal as refusal:
                response = problem(refusal)
            except HungUp:
                return
            secured(response, https=self._https, origin=origin)
            self._counted(response.status_code)
            self._seconds.observe(time.perf_counter() - began)
            await answer(response, scope, receive, send, whole=whole)
        finally:
            held.let_go()

    def _counted(self, status: int) -> None:
        counter = self._by_status.get(status)
        if counter is None:
            counter = self._by_status[status] = REQUESTS.labels(self._entrance.name, status)
        counter.inc()

    @property
    def _https(self) -> bool:
        return (self._settings.public_url or "").startswith("https://")

    def _admit(self, scope: Scope, headers: Headers) -> Response | None:
        """Let the request in, or raise Refusal; a browser's question whether it may come is answered at once."""
        route = self._route
        self._entrance.enter()
        origin = headers.get("origin")
        if route.origins is not None:
            if origin is not None and origin not in route.origins and origin != self._own_origin(scope, headers):
                raise Refusal(403, "origin", "Pages of this site may not call this; see allowed_origins.")
            if scope["method"] == "OPTIONS":
                return preflight(route.methods)
        if route.limited and (wait := self._limits.retry_after(remote_of(scope), time.monotonic())) is not None:
            raise Refusal(429, "too_many", "Too many requests, please wait.", headers={"Retry-After": str(wait)})
        declared_length(headers)
        return None

    async def _handled(self, scope: Scope, headers: Headers, body: bytes) -> Response:
        incoming = self._incoming(scope, headers, body)
        try:
            with self._deadlines.within(self._route.deadline):
                return await self._route.handle(incoming, self._entrance.accept)
        except Refusal:
            raise
        except TimeoutError:
            log.warning("intake.too_late", connector=self._entrance.name, path=self._route.path)
            raise Unavailable("It took too long, please send it again later.") from None
        except Exception as error:  # whatever a stranger's request brings a handler to, the server goes on
            log.exception("intake.unexpected", connector=self._entrance.name, path=self._route.path, exc_info=error)
            raise CRASHED from None

    def _incoming(self, scope: Scope, headers: Headers, body: bytes) -> Incoming:
        path = below(scope, self._prefix)
        query = scope["query_string"]
        if query:
            path += "?" + query.decode("latin-1")
        base = self._settings.public_url or f"{scope['scheme']}://{headers.get('host', '')}"
        return Incoming(
            method=scope["method"],
            path=path,
            params=scope.get("path_params", {}),
            query=QueryParams(query) if query else _NO_QUERY,
            headers=headers,
            body=body,
            url=f"{base}{self._prefix}{path}",
            root=self._root,
            remote=remote_of(scope),
            received_at=datetime.now(UTC),
        )

    def _own_origin(self, scope: Scope, headers: Headers) -> str:
        if self._settings.public_url:
            scheme, _, rest = self._settings.public_url.partition("://")
            return f"{scheme}://{rest.partition('/')[0]}".lower()
        return f"{scope['scheme']}://{headers.get('host', '')}".lower()

    def _readable_by(self, headers: Headers) -> str | None:
        origin = headers.get("origin")
        return origin if self._route.origins is not None and origin in self._route.origins else None


def below(scope: Scope, prefix: str) -> str:
    """The path after `prefix` as it was sent, percent-encoding and all."""
    raw = scope.get("raw_path", b"").decode("latin-1")
    found = raw if raw.startswith(f"{prefix}/") else quote(scope["path"], safe="/:@!$&'()*+,;=~")
    return found.removeprefix(prefix) or "/"


def remote_of(scope: Scope) -> str:
    """The client's address; `?` when the socket has none."""
    client = scope.get("client")
    return str(client[0]) if client else "?"
