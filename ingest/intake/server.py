"""The intake server of a process: what customers' browsers and providers' webhooks reach."""

import contextlib
import time
from collections.abc import AsyncIterator, Sequence

import structlog
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Mount, Route, Router, WebSocketRoute
from starlette.types import ASGIApp, Receive, Scope, Send

from bus.health import Health
from bus.intake_settings import IntakeSettings
from bus.ops import serving
from ingest.intake.answer import secured
from ingest.intake.body import Memory
from ingest.intake.connections import uvicorn_options
from ingest.intake.entrance import Entrance
from ingest.intake.http_endpoint import HttpEndpoint
from ingest.intake.problem import NOT_FOUND, problem
from ingest.intake.rates import RateLimits
from ingest.intake.route import KIB, ClosedRoute, HttpRoute, Refusal, SocketRoute
from ingest.intake.route import Route as Declared
from ingest.intake.settings import Rates
from ingest.intake.socket_endpoint import SocketEndpoint

log = structlog.get_logger()


class IntakeServer:
    """Mounts connectors under `/in/NAME/`, then serves all of them on one port."""

    def __init__(self, settings: IntakeSettings, health: Health) -> None:
        self._settings = settings
        self._health = health
        self.memory = Memory(settings.max_bytes_in_memory)
        self._mounts: list[BaseRoute] = []
        self._plain: dict[tuple[str, str], HttpEndpoint] = {}
        self._longest_frame = 16 * KIB

    @property
    def empty(self) -> bool:
        """Whether nothing is mounted, so that there is nothing to serve."""
        return not self._mounts

    def mount(self, name: str, routes: Sequence[Declared], rates: Rates) -> Entrance:
        """Put a connector's routes under `/in/NAME`; they are let into while the returned receiver runs."""
        entrance = Entrance(name)
        limits = RateLimits(rates, time.monotonic())
        served: list[BaseRoute] = []
        for route in routes:
            if isinstance(route, ClosedRoute):
                log.error("intake.route_closed", connector=name, path=route.path, because=route.because)
                self._health.set(f"{name}: {route.path}", route.because)
            elif isinstance(route, SocketRoute):
                self._longest_frame = max(self._longest_frame, route.max_frame)
                served.append(WebSocketRoute(route.path, SocketEndpoint(route, entrance, limits)))
            else:
                served.append(self._http(route, entrance, limits))
        root = f"/in/{name}"
        self._mounts.append(Mount(root, app=Router(served, redirect_slashes=False)))
        if any(isinstance(route, HttpRoute) and route.path == "/" for route in routes):
            self._mounts.append(Route(root, _below, methods=["GET"]))
        return entrance

    def _http(self, route: HttpRoute, entrance: Entrance, limits: RateLimits) -> Route:
        methods = (*route.methods, "OPTIONS") if route.origins is not None else route.methods
        endpoint = HttpEndpoint(route, entrance, limits, self.memory, self._settings)
        if "{" not in route.path:
            for method in methods:
                self._plain.setdefault((method, f"/in/{entrance.name}{route.path}"), endpoint)
        return Route(route.path, endpoint, methods=methods)

    def app(self) -> ASGIApp:
        """The application of what is mounted; a path without parts in braces is found at once."""
        rest = Starlette(routes=self._mounts, exception_handlers={HTTPException: self._no_route})
        rest.router.redirect_slashes = False
        plain = self._plain

        async def app(scope: Scope, receive: Receive, send: Send) -> None:
            known = plain.get((scope["method"], scope["path"])) if scope["type"] == "http" else None
            await (known or rest)(scope, receive, send)

        return app

    @contextlib.asynccontextmanager
    async def serving(self) -> AsyncIterator[str]:
        """Listen while inside; yields the base URL on this machine. Raises ConfigError when the port is taken."""
        host = self._settings.host
        options = uvicorn_options(self._settings, self._longest_frame)
        async with serving(self.app(), host, self._settings.port, **options) as port:
            near = {"0.0.0.0": "127.0.0.1", "::": "[::1]"}.get(host, f"[{host}]" if ":" in host else host)  # noqa: S104
            yield f"http://{near}:{port}"

    async def _no_route(self, request: Request, error: Exception) -> Response:  # noqa: ARG002  # Starlette's form
        assert isinstance(error, HTTPException)
        refusal = NOT_FOUND
        if error.status_code != 404:
            refusal = Refusal(error.status_code, "method", "Not this way.", headers=error.headers)
        response = problem(refusal)
        secured(response, https=False, origin=None)
        return response


async def _below(request: Request) -> Response:
    """To the page that lies below: `/in/help` → `/in/help/`, wherever a proxy has put it."""
    name = request.url.path.rpartition("/")[2]
    query = f"?{request.url.query}" if request.url.query else ""
    return Response(status_code=308, headers={"location": f"{name}/{query}"})
