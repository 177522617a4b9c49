"""What becomes due by time alone: another attempt, or the end of waiting for a connector. Runs beside the relay."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

import sqlalchemy as sa
import structlog
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.ext.asyncio import AsyncEngine

from bus.errors import Retryable
from bus.progress import database_error
from bus.together import Writes
from ticketing.delivery import NO_CONNECTOR_AFTER, after_time
from ticketing.delivery_store import again, lock, write
from ticketing.outbox import append
from ticketing.receipts import now_utc

log = structlog.get_logger()

_DUE = sa.text(
    "SELECT id FROM desk.replies WHERE state IN ('queued', 'deferred', 'uncertain') AND "
    "(next_attempt_at <= :now OR (state = 'queued' AND state_at <= :too_old)) ORDER BY state_at LIMIT :limit"
)
_LIMIT = 500


@dataclass(slots=True)
class Clock:
    """One term of the clock per call of `run`. `patience`: how long a reply may wait for a connector to take it."""

    engine: AsyncEngine
    patience: timedelta = NO_CONNECTOR_AFTER
    pause: float = 1.0
    now: Callable[[], datetime] = now_utc

    async def run(self) -> None:
        """Do what falls due until cancelled, while the caller holds the relay's lock. Raises Retryable."""
        watched_since = self.now()
        while True:
            if await self.tick(watched_since) < _LIMIT:
                await asyncio.sleep(self.pause)

    async def tick(self, watched_since: datetime) -> int:
        """Do what is due now, in one transaction; how many deliveries were looked at."""
        now = self.now()
        # while nobody can have waited long enough under our eyes there is nothing to look for
        too_old = (
            now - self.patience if watched_since + self.patience <= now else datetime.min.replace(tzinfo=now.tzinfo)
        )
        try:
            async with self.engine.begin() as connection:
                due = (await connection.scalars(_DUE, {"now": now, "too_old": too_old, "limit": _LIMIT})).all()
                if not due:
                    return 0
                locked = await lock(connection, due)
                steps = [
                    step
                    for delivery in locked.deliveries.values()
                    if (step := after_time(delivery, now, watched_since=watched_since, patience=self.patience))
                ]
                writes = Writes()
                events = await write(connection, writes, locked, steps, now)
                replies = [again(locked, step) for step in steps if step.state == "queued"]
                await append(writes, ticket_events=events, replies=replies)
                await writes.send(connection)
        except DBAPIError as error:
            raise database_error(error) from error
        except PoolTimeout as error:
            raise Retryable("the database: no connection is free") from error
        log.info("clock.due", deliveries=len(steps))
        return len(due)
