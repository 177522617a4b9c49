"""The way in of one connector: open while it runs, closed while it is paused or stops."""

import asyncio
from collections.abc import Sequence

import structlog

from bus.deadlines import Deadlines
from bus.errors import Invalid, Retryable
from bus.failpoints import failpoint
from bus.raw import RawMessage
from bus.record import Position
from ingest.contract import Emit
from ingest.intake.route import Refusal, Unavailable

log = structlog.get_logger()

EMIT_DEADLINE = 20.0
"""Seconds for Kafka's acknowledgement, shorter than a route's deadline and than providers wait."""
_LAST_ANSWERS = 3.0


class Entrance:
    """Receiver (ingest.contract) whose source is the server's requests. It can be run again.

    `under_way` counts the requests and conversations inside; `turned` is set whenever it closes.
    """

    def __init__(self, name: str) -> None:
        self.name = name
        self.closing = asyncio.Event()
        self._emit: Emit | None = None
        self._inside: set[asyncio.Task[object]] = set()
        self._deadlines = Deadlines()

    @property
    def open(self) -> bool:
        """Whether requests are let in now."""
        return self._emit is not None

    async def run(self, emit: Emit) -> None:
        """Let in until cancelled; then let those inside have their answers."""
        self._emit = emit
        self.closing.clear()
        try:
            await asyncio.get_running_loop().create_future()
        finally:
            self._emit = None
            self.closing.set()
            if self._inside:
                await asyncio.wait(self._inside, timeout=_LAST_ANSWERS)

    def enter(self) -> None:
        """Count the calling task in, until it is done. Raises Unavailable when closed."""
        if self._emit is None:
            raise Unavailable("This entrance is closed for a while.", retry_after=30)
        task = asyncio.current_task()
        if task is not None and task not in self._inside:
            self._inside.add(task)
            task.add_done_callback(self._inside.discard)

    async def accept(self, *raw: RawMessage) -> Sequence[Position]:
        """Accept (ingest.intake.route)."""
        emit = self._emit
        if emit is None:
            raise Unavailable("This entrance is closed for a while.", retry_after=30)
        try:
            failpoint("receive.before_emit")
            with self._deadlines.within(EMIT_DEADLINE):
                positions = await emit(*raw)
            failpoint("receive.after_emit")
        except (Retryable, TimeoutError) as error:
            log.warning("intake.not_accepted", connector=self.name, detail=str(error) or "no acknowledgement in time")
            raise Unavailable("It could not be stored now, please send it again later.") from None
        except Invalid as error:
            log.warning("intake.refused", connector=self.name, detail=str(error))
            raise Refusal(422, "unstorable", "This cannot be stored.") from None
        return positions
