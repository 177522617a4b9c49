"""The clock of tickets: tells what falls due, as soon as it does. It runs beside the relay, in one process.

Whoever acts on a ticket tells first what its clocks owe (ticketing.catching_up), so this one may be late, be stopped
for days, or run twice: each moment is told once, and none after what happened later.
"""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa
import structlog
from prometheus_client import Counter
from sqlalchemy.ext.asyncio import AsyncEngine

from bus.failpoints import failpoint
from ticketing import load
from ticketing.catching_up import catch_up
from ticketing.outbox import append
from ticketing.people.store import transaction
from ticketing.receipts import now_utc

log = structlog.get_logger()

TOLD = Counter("deskstream_due_times_told_total", "Events that the clock of tickets has told", ["type"])
_DUE = sa.text("SELECT id FROM desk.tickets WHERE next_due_at <= :now ORDER BY next_due_at LIMIT :limit")
_LIMIT = 500


@dataclass(slots=True)
class TicketClock:
    """`pause`: seconds between two looks while nothing is due."""

    engine: AsyncEngine
    pause: float = 1.0
    now: Callable[[], datetime] = now_utc

    async def run(self) -> None:
        """Tell what falls due until cancelled. Raises Retryable."""
        while True:
            if await self.tick() < _LIMIT:
                await asyncio.sleep(self.pause)

    async def tick(self) -> int:
        """Tell what is due now, in one transaction; on how many tickets something was."""
        now = self.now()
        async with transaction(self.engine) as connection:
            due = (await connection.scalars(_DUE, {"now": now, "limit": _LIMIT})).all()
            if not due:
                return 0
            # who had them before us may have told it all
            owed = await catch_up(connection, (await load.with_ids(connection, due)).values(), now)
            failpoint("clock.before_outbox")
            await append(connection, ticket_events=owed)
            failpoint("clock.before_commit")
        for told in owed:
            TOLD.labels(told.value.type).inc()
        log.info("clock.told", tickets=len(due), events=len(owed))
        return len(due)
