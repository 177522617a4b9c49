"""Sending a text of several parts: what has left stays sent, and a short wait is waited for."""

import asyncio
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Sequence

from bus.errors import Retryable
from ingest.contract import Uncertain

_LONGEST_WAIT = 40.0
"""Seconds: a sender comes to an end within a minute."""
_REMEMBERED = 1_000


class InParts:
    """Remembers how far each reply has come in this process, so that another attempt goes on there."""

    def __init__(self, *, pause: Callable[[float], Awaitable[None]] = asyncio.sleep) -> None:
        self._pause = pause
        self._sent: OrderedDict[str, list[str]] = OrderedDict()

    async def send(self, reply_id: str, parts: Sequence[str], one: Callable[[str], Awaitable[str]]) -> str:
        """Send what has not been sent; the id of the last. `one` raises what a Sender does.

        Once a part is out, what was certainly not accepted is uncertain as a whole.
        """
        sent = self._sent.setdefault(reply_id, [])
        while len(self._sent) > _REMEMBERED:
            self._sent.popitem(last=False)
        waited = 0.0
        while len(sent) < len(parts):
            try:
                sent.append(await one(parts[len(sent)]))
            except Retryable as error:
                if not sent:
                    raise
                wait = error.after
                if wait is None or waited + wait > _LONGEST_WAIT:
                    raise Uncertain(f"{len(sent)} of {len(parts)} parts were sent: {error}") from error
                waited += wait
                await self._pause(wait)
        return sent[-1]
