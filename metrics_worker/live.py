"""Pages that change while they are looked at: who looks hears of a newer revision.

One look at the database serves all who look from this process. A revision is the state of a page, not a step: who was
away gets the newest one, and never one that it has.
"""

import asyncio
import contextlib
import time
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from typing import Protocol

import sqlalchemy as sa
import structlog
from fastapi.sse import format_sse_event
from pydantic import BaseModel
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncEngine

from bus.errors import Retryable
from metrics_worker.asking import Unknown
from metrics_worker.overview import HEADQUARTERS_REVISION

log = structlog.get_logger()

HEADQUARTERS = "headquarters"
"""The subject of the team's page; every other subject is a key."""
MOST = 200
HEART_BEAT_SECONDS = 10.0
_LOOK_SECONDS = 0.1
_READING = 2
"""So many pages are read at a time: whoever asks once is to find a connection to the database."""
_REST_TIMES = 5
"""After a page a stream rests for so many times what reading it took: one of many tickets is not to fill a process."""
_REVISIONS = sa.text("SELECT key, revision FROM metrics.figures WHERE key = ANY(CAST(:keys AS text[]))")


class Full(Exception):
    """As many look already as one process serves."""


class Live(Protocol):
    """What a stream needs of a page."""

    @property
    def revision(self) -> int: ...

    def model_dump_json(self) -> str: ...


class Watching:
    """All who look at pages through this process, at most `most`. `stop`: all streams end when it is set."""

    def __init__(
        self,
        engine: AsyncEngine,
        *,
        most: int = MOST,
        heart_beat: float = HEART_BEAT_SECONDS,
        stop: asyncio.Event | None = None,
    ) -> None:
        self._engine = engine
        self._most = most
        self._heart_beat = heart_beat
        self._stop = stop or asyncio.Event()
        self._subjects: Counter[str] = Counter()
        self._revisions: dict[str, int] = {}
        self._changed = asyncio.Event()
        self._reading = asyncio.Semaphore(_READING)
        self._looking: asyncio.Task[None] | None = None

    @contextlib.contextmanager
    def place(self, subject: str) -> Iterator[str]:
        """One of the places, and looks at the subject meanwhile. Raises Full."""
        if self._subjects.total() >= self._most:
            raise Full
        self._subjects[subject] += 1
        if self._looking is None or self._looking.done():
            self._looking = asyncio.create_task(self._look_while_asked(), name="looking at revisions")
        try:
            yield subject
        finally:
            self._subjects[subject] -= 1
            if not self._subjects[subject]:
                del self._subjects[subject]
                self._revisions.pop(subject, None)

    async def stream(
        self,
        subject: str,
        seen: int | None,
        read: Callable[[], Awaitable[Live]],
        beat: Callable[[], Awaitable[BaseModel]],
        event: str,
    ) -> AsyncIterator[bytes]:
        """Server-sent events: each page under its revision, unless it is `seen`; `behind` while nothing changes.

        It ends when the database is away: whoever looks comes again with the id it had last.
        """
        yield format_sse_event(retry=1_000, comment="figures")
        with contextlib.suppress(Retryable, Unknown):
            while not self._stop.is_set():
                if not await self._newer(subject, seen):
                    yield format_sse_event(event="behind", data_str=(await beat()).model_dump_json())
                    continue
                began = time.monotonic()
                async with self._reading:
                    page = await read()
                if page.revision != seen:
                    seen = page.revision
                    yield format_sse_event(id=str(seen), event=event, data_str=page.model_dump_json())
                await self._stopped(_REST_TIMES * (time.monotonic() - began))

    async def _newer(self, subject: str, seen: int | None) -> bool:
        """Wait for another revision than `seen`; False when there was none for a heart-beat, or all is to stop."""
        deadline = time.monotonic() + self._heart_beat
        while (left := deadline - time.monotonic()) > 0 and not self._stop.is_set():
            revision = self._revisions.get(subject)
            if revision is not None and revision != seen:
                return True
            changed = self._changed
            await _until(changed, self._stop, within=left)
        return False

    async def _stopped(self, within: float) -> None:
        await _until(self._stop, within=within)

    async def _look_while_asked(self) -> None:
        while self._subjects:
            try:
                found = await self._look()
            except (SQLAlchemyError, OSError) as error:
                log.warning("live.look_failed", error=type(error).__name__)
                await asyncio.sleep(1.0)
                continue
            if found != self._revisions:
                self._revisions = found
                changed, self._changed = self._changed, asyncio.Event()
                changed.set()
            await asyncio.sleep(_LOOK_SECONDS)

    async def _look(self) -> dict[str, int]:
        """The revision of each subject; 0 of a key that is not known."""
        subjects = set(self._subjects)
        found = dict.fromkeys(subjects, 0)
        async with self._engine.connect() as connection:
            rows = await connection.execute(_REVISIONS, {"keys": sorted(subjects - {HEADQUARTERS})})
            found |= {row.key: row.revision for row in rows}
            if HEADQUARTERS in subjects:
                found[HEADQUARTERS] = int(await connection.scalar(HEADQUARTERS_REVISION) or 0)
        return found


async def _until(*events: asyncio.Event, within: float) -> None:
    """Until one of them is set, or so many seconds are over."""
    waiting = [asyncio.ensure_future(event.wait()) for event in events]
    try:
        await asyncio.wait(waiting, timeout=within, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for each in waiting:
            each.cancel()
