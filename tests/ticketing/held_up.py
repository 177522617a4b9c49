"""Several at once, for certain: nobody gets on before all of them wait for the same ticket."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncEngine

_LOCK = sa.text("SELECT 1 FROM desk.tickets WHERE number = :number FOR UPDATE")
_WAITING = sa.text("""
SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'
""")
_AGAIN = sa.text("SELECT pg_stat_clear_snapshot()")  # a transaction sees the same activity till its end


@asynccontextmanager
async def held_up(engine: AsyncEngine, number: int, waiting: int) -> AsyncIterator[None]:
    """Hold the ticket until so many sessions wait in this database; begin what is to wait inside."""
    async with engine.connect() as holder:
        await holder.execute(_LOCK, {"number": number})
        yield
        async with asyncio.timeout(60):
            while ((await holder.scalar(_WAITING)) or 0) < waiting:
                await asyncio.sleep(0.01)
                await holder.execute(_AGAIN)
        await holder.rollback()
