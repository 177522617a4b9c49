"""What was done under a key is remembered for a while only: it grows by a document with every act. Runs beside the
relay, in one process.

Nothing is done twice for that: the ids of an act's events are made of its key, so that what comes again under a
forgotten key is refused.
"""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncEngine

from ticketing.people.store import transaction
from ticketing.receipts import now_utc

KEPT: Final = timedelta(days=30)
_BATCH = 1_000
_HOUR = 3600.0
_FORGET = sa.text("""
DELETE FROM desk.acts WHERE ctid = ANY(ARRAY(SELECT ctid FROM desk.acts WHERE at < :before LIMIT :limit))
""")


@dataclass(slots=True)
class Forgetting:
    """Lets go of acts that were done longer ago than `kept`, `batch` of them in a transaction."""

    engine: AsyncEngine
    kept: timedelta = KEPT
    batch: int = _BATCH
    now: Callable[[], datetime] = now_utc

    async def run(self) -> None:
        """Let go of what grows old until cancelled, while the caller holds the relay's lock. Raises Retryable."""
        while True:
            if await self.tick() < self.batch:
                await asyncio.sleep(_HOUR)

    async def tick(self) -> int:
        """Let go of one batch; how many those were. Raises Retryable."""
        async with transaction(self.engine) as connection:
            values = {"before": self.now() - self.kept, "limit": self.batch}
            return (await connection.execute(_FORGET, values)).rowcount
