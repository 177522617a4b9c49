"""One active worker: whoever holds the lock of a session that must go on speaking (reliability, Frozen leaders)."""

import asyncio
from collections.abc import Callable

import sqlalchemy as sa
import structlog
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncConnection

from metrics_worker.database import leader_engine
from metrics_worker.tables import LEADER_LOCK

log = structlog.get_logger()

IDLE_SECONDS = 15
"""A leader that is silent for so long is one no more; its heart beats three times as often."""
_ATTEMPT_SECONDS = 1.0


class LeadershipLost(Exception):
    """This worker is not the active one any more: drop everything and stand by again."""


class Leadership:
    """The lock. `lost` is set when the session that held it has ended or does not answer."""

    def __init__(self, url: str, idle_seconds: int = IDLE_SECONDS) -> None:
        self.lost = asyncio.Event()
        self._engine = leader_engine(url, idle_seconds)
        self._pause = idle_seconds / 3
        self._connection: AsyncConnection | None = None
        self._heartbeat: asyncio.Task[None] | None = None
        self._speaking = asyncio.Lock()

    async def wait_for_turn(self, stop: asyncio.Event, *, standing_by: Callable[[], None] = lambda: None) -> bool:
        """Stand by until the lock is ours (True) or `stop` is set (False). Raises DBAPIError."""
        self._connection = await self._engine.connect()
        while not stop.is_set():
            if await self._connection.scalar(sa.text("SELECT pg_try_advisory_lock(:lock)"), {"lock": LEADER_LOCK}):
                self._heartbeat = asyncio.create_task(self._beat(), name="leader's heartbeat")
                return True
            standing_by()
            try:
                await asyncio.wait_for(stop.wait(), _ATTEMPT_SECONDS)
            except TimeoutError:
                continue
        return False

    async def check(self) -> None:
        """Ask the database whether the session lives, and the lock with it. Raises LeadershipLost."""
        if self._connection is None or self.lost.is_set():
            raise LeadershipLost
        try:
            async with self._speaking:
                await asyncio.wait_for(self._connection.execute(sa.text("SELECT 1")), self._pause)
        except (DBAPIError, TimeoutError) as error:
            self.lost.set()
            raise LeadershipLost from error

    async def _beat(self) -> None:
        while True:
            await asyncio.sleep(self._pause)
            try:
                await self.check()
            except LeadershipLost:
                log.warning("figures.leadership_lost")
                return

    async def release(self) -> None:
        """Give the lock up by ending the session."""
        if self._heartbeat is not None:
            self._heartbeat.cancel()
            await asyncio.gather(self._heartbeat, return_exceptions=True)
            self._heartbeat = None
        connection, self._connection = self._connection, None
        if connection is not None:
            await connection.invalidate()
            await connection.close()
        await self._engine.dispose()
