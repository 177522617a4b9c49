"""A connection whose writes of one moment leave together: an answer's head and its body are one packet, not two.

As TCP_CORK (tcp(7)) does it, but by the event loop: each packet costs a system call here and wakes the other side.
"""

import asyncio
from typing import Any


class Corked:
    """A transport (asyncio.Transport); what is written leaves before the loop waits again."""

    __slots__ = ("_held", "_loop", "_transport")

    def __init__(self, transport: asyncio.Transport, loop: asyncio.AbstractEventLoop) -> None:
        self._transport = transport
        self._loop = loop
        self._held: list[bytes] = []

    def write(self, data: bytes) -> None:
        """Soon."""
        if not self._held:
            self._loop.call_soon(self._leave)
        self._held.append(data)

    def close(self) -> None:
        """After what was written."""
        self._leave()
        self._transport.close()

    def is_closing(self) -> bool:
        """As the transport's."""
        return self._transport.is_closing()

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401  # whatever a transport has
        return getattr(self._transport, name)

    def _leave(self) -> None:
        held, self._held = self._held, []
        if held and not self._transport.is_closing():
            self._transport.write(held[0] if len(held) == 1 else b"".join(held))
