"""What a connector that is reached by HTTP declares: its routes, and nothing of how they are served.

The server (ingest.intake.application) does the rest, in this order and before a handler sees anything: the route is
known and open, the Origin is allowed, the rates of this source and connector are not exceeded, the body is whole and
within its limit. It ends a handler at its deadline, turns errors into answers, and sets the security headers.

A handler MUST check who speaks before it trusts a word (ingest.signatures), MUST answer 2xx for a message only after
`accept` has returned, and MUST NOT keep anything that another process would need.
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol, TypeAlias

from starlette.datastructures import Headers, QueryParams
from starlette.responses import Response
from starlette.websockets import WebSocket

from bus.raw import RawMessage
from bus.record import Position
from ingest.intake.origins import Origins

KIB = 1024
MIB = 1024 * KIB


class Refusal(Exception):
    """The request is answered with this status, a problem document (RFC 9457) whose `detail` is `text`.

    `text`: one line for whoever sent it, no secret. `kind`: a word for programs, `signature`, `origin`, `too_many` …
    `more`: further members of the document.
    """

    def __init__(
        self,
        status: int,
        kind: str,
        text: str,
        *,
        headers: Mapping[str, str] | None = None,
        more: Mapping[str, object] | None = None,
    ) -> None:
        super().__init__(text)
        self.status = status
        self.kind = kind
        self.text = text
        self.headers = dict(headers or {})
        self.more = dict(more or {})


class Unavailable(Refusal):
    """Nothing was taken, and the same request may succeed later: 503 with `Retry-After`."""

    def __init__(self, text: str, *, retry_after: int = 5) -> None:
        super().__init__(503, "unavailable", text, headers={"Retry-After": str(retry_after)})


class Accept(Protocol):
    """Puts what a request brought on `raw.<channel>`, in order; returns where it stands once Kafka has it.

    MUST be awaited before the source is told 2xx (or a frame is acknowledged). Raises Unavailable when Kafka did not
    acknowledge in time, and Refusal 422 for what can never be published: let both pass, the server answers them.
    Cancelling the caller takes nothing back.
    """

    async def __call__(self, *raw: RawMessage) -> Sequence[Position]: ...


@dataclass(frozen=True, slots=True)
class Incoming:
    """A request whose body has been read.

    `path`: below `/in/NAME`, with its query, as it was sent; `params`: the parts in braces of the route's path.
    `url`: the whole public address that was called, by `[intake] public_url` (what Twilio signs); `root`: the path of
    `/in/NAME` in it, which links of pages begin with. `remote`: the
    client's address, beyond trusted proxies. `headers`: case-insensitive; `getlist` shows a header that came twice.
    """

    method: str
    path: str
    params: Mapping[str, str]
    query: QueryParams
    headers: Headers
    body: bytes
    url: str
    root: str
    remote: str
    received_at: datetime

    @property
    def media_type(self) -> str:
        """The Content-Type as it came; empty without one."""
        return self.headers.get("content-type", "")


Handle: TypeAlias = Callable[[Incoming, Accept], Awaitable[Response]]
"""Answers a request. May raise Refusal; whatever else it raises is 500, logged, and says nothing."""

Converse: TypeAlias = Callable[[WebSocket, Accept], Awaitable[None]]
"""Speaks on a WebSocket that is not yet accepted, until either side ends it; cancelled when the connector pauses."""


@dataclass(frozen=True, slots=True)
class HttpRoute:
    """`path` is below `/in/NAME` and may have parts in braces (`/tickets/{reference}`).

    `max_body`: bytes; more is refused before it is read (413). `deadline`: seconds for the handler, Kafka's
    acknowledgement included; then 503. `limited`: counts against the rates (no for what only serves a file).
    `origins`: browsers' scripts of these sites may call it (CORS); None: no site's scripts may.
    """

    path: str
    handle: Handle
    methods: tuple[str, ...] = ("POST",)
    max_body: int = MIB
    deadline: float = 25.0
    limited: bool = True
    origins: Origins | None = None


@dataclass(frozen=True, slots=True)
class SocketRoute:
    """A WebSocket. `origins`: only pages of these sites may open it. A longer frame than `max_frame` ends it (1009)."""

    path: str
    converse: Converse
    origins: Origins
    max_frame: int = 16 * KIB


@dataclass(frozen=True, slots=True)
class ClosedRoute:
    """A route that was asked for and cannot be opened: without its secret a webhook does not start.

    It answers 404 like any path that is not there; `because` (one line that names the setting) stands in the log, in
    the connector's status and in `/readyz`.
    """

    path: str
    because: str


Route: TypeAlias = HttpRoute | SocketRoute | ClosedRoute
