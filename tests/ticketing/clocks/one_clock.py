"""A clock in a process of its own, by a time that is given: `… -m tests.ticketing.clocks.one_clock URL TIME`."""

import asyncio
import sys
from datetime import datetime

from ticketing.database import engine
from ticketing.ticket_clock import TicketClock


async def _run(url: str, now: datetime) -> None:
    pool = engine(url)
    clock = TicketClock(pool, now=lambda: now)
    while await clock.tick():
        pass
    await pool.dispose()


if __name__ == "__main__":
    asyncio.run(_run(sys.argv[1], datetime.fromisoformat(sys.argv[2])))
