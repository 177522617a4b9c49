"""Reading a request's body: within its limit, its time, and the memory there is for all of them."""

import asyncio
from collections import Counter

from starlette.datastructures import Headers
from starlette.types import Receive

from bus.deadlines import Deadlines
from ingest.intake.route import Refusal, Unavailable

_SILENCE = 20.0
"""Seconds without a byte."""
_WINDOW = 30.0
_LEAST_RATE = 4 * 1024
"""Bytes a second over each window: slower is nobody's line, and holds memory for hours."""
_POURED = 64 * 1024 * 1024
_POURING = 10.0


class HungUp(Exception):
    """The client has gone before its request was whole."""


class Memory:
    """What all bodies that are being received, or handled, hold together; one source has at most half of it."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._by_source: Counter[str] = Counter()
        self.held = 0

    def take(self, source: str, size: int) -> None:
        """Raises Unavailable when there is no room."""
        if self.held + size > self._most or self._by_source[source] + size > self._most // 2:
            raise Unavailable("Too much is being received at this moment, please send it again later.")
        self.held += size
        self._by_source[source] += size

    def give_back(self, source: str, size: int) -> None:
        """So many bytes are let go."""
        self.held -= size
        self._by_source[source] -= size
        if self._by_source[source] <= 0:
            del self._by_source[source]


class Held:
    """The body of one request: `size` bytes of `memory`, until `let_go`."""

    def __init__(self, memory: Memory, source: str, deadlines: Deadlines) -> None:
        self._memory = memory
        self._deadlines = deadlines
        self._source = source
        self.size = 0

    async def read(self, headers: Headers, receive: Receive, limit: int) -> bytes:
        """The whole body. Raises Refusal 413, 408 and 400, Unavailable, and HungUp."""
        declared = declared_length(headers)
        if declared is not None and declared > limit:
            raise too_large(limit)
        if declared == 0 or (declared is None and "transfer-encoding" not in headers):
            return b""
        body = bytearray()
        clock = asyncio.get_running_loop().time
        began, before = clock(), 0
        more = True
        while more:
            try:
                with self._deadlines.within(_SILENCE):
                    chunk, more = await _next(receive)
            except TimeoutError:
                raise _too_slow() from None
            if len(body) + len(chunk) > limit:
                raise too_large(limit)
            self._hold(len(chunk))  # as it comes: what is only declared costs a stranger nothing
            body += chunk
            if clock() - began > _WINDOW:
                if len(body) - before < _WINDOW * _LEAST_RATE:
                    raise _too_slow()
                began, before = clock(), len(body)
        return bytes(body)

    def let_go(self) -> None:
        """The body is no longer needed."""
        if self.size:
            self._memory.give_back(self._source, self.size)
        self.size = 0

    def _hold(self, size: int) -> None:
        self._memory.take(self._source, size)
        self.size += size


async def _next(receive: Receive) -> tuple[bytes, bool]:
    message = await receive()
    if message["type"] == "http.disconnect":
        raise HungUp
    return message.get("body", b""), message.get("more_body", False)


async def pour_away(receive: Receive) -> None:
    """Read what still comes and keep nothing: a client that is cut off while it sends never sees the answer."""
    poured, more = 0, True
    try:
        async with asyncio.timeout(_POURING):
            while more and poured < _POURED:
                chunk, more = await _next(receive)
                poured += len(chunk)
    except (TimeoutError, HungUp):
        return


def declared_length(headers: Headers) -> int | None:
    """Content-Length; None without one. Raises Refusal 400."""
    value = headers.get("content-length")
    if value is None:
        return None
    if not value.isascii() or not value.isdigit() or len(value) > 18:
        raise Refusal(400, "length", "Content-Length is no number.")
    return int(value)


def too_large(limit: int) -> Refusal:
    """413, with the limit in it."""
    return Refusal(413, "too_large", f"At most {limit} bytes are taken.", more={"limit": limit})


def _too_slow() -> Refusal:
    return Refusal(408, "too_slow", "The request's body did not come in time.")
