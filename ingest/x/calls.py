"""When X last called the webhook: it asks a question (CRC) every hour, and silence means that nothing comes any more.

The time stands on `connectors.cursors`, so that the process that polls knows what the one that serves has heard.
"""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import structlog
from pydantic import BaseModel

from bus.errors import Retryable
from ingest.contract import Place

log = structlog.get_logger()

_SILENCE = timedelta(hours=24)
_NOTED_EVERY = timedelta(minutes=10)


class Called(BaseModel):
    """The last call; before the first one the time at which it was first waited for."""

    at: datetime


class CallAlarm:
    """`heard` is called by the webhook, `look` by the poll."""

    def __init__(self, place: Place, *, now: Callable[[], datetime] = lambda: datetime.now(UTC)) -> None:
        self._place = place
        self._key = f"{place.name}.calls"
        self._now = now
        self._noted: datetime | None = None

    async def heard(self) -> None:
        """X has called. Whether that can be noted is no reason not to answer it."""
        now = self._now()
        if self._noted is not None and now - self._noted < _NOTED_EVERY:
            return
        try:
            await self._place.cursors.store(self._key, Called(at=now).model_dump(mode="json"))
        except Retryable as error:
            log.warning("x.call_not_noted", connector=self._place.name, detail=str(error))
        else:
            self._noted = now

    async def look(self) -> None:
        """Raise the alarm, or end it. Raises Retryable."""
        stored = await self._place.cursors.load(self._key)
        now = self._now()
        if stored is None:
            await self._place.cursors.store(self._key, Called(at=now).model_dump(mode="json"))
            return
        silent = now - Called.model_validate(stored).at
        problem = None
        if silent >= _SILENCE:
            hours = int(silent.total_seconds() // 3600)
            problem = f"X has not called the webhook for {hours} h: register its address again"
        self._place.health.set(f"{self._place.name}: webhook", problem)
