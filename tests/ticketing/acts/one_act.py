"""A process that answers ticket 1 and ends: `… -m tests.ticketing.acts.one_act URL KEY`."""

import asyncio
import sys
from datetime import timedelta

from tests.ticketing.by_hand import Acts
from tests.ticketing.filing.said import START
from ticketing.database import engine


async def _run(url: str, key: str) -> None:
    pool = engine(url)
    acts = Acts(pool, key, "agent-1", START + timedelta(hours=1))
    done = await acts.do("reply", 1, text="Yes.", cc=["carol@y.example"])
    await pool.dispose()
    print(done.version)


if __name__ == "__main__":
    asyncio.run(_run(sys.argv[1], sys.argv[2]))
