"""A process that files COUNT mails of one partition and ends: `… -m tests.ticketing.filing.one_filer URL COUNT`."""

import asyncio
import sys

from bus.progress import FencedProgress
from tests.ticketing.filing.conftest import HERE
from tests.ticketing.filing.said import CONFIRMING, record, said
from ticketing.database import engine
from ticketing.filing import Filing
from ticketing.tables import progress


async def _run(url: str, count: int) -> None:
    pool = engine(url)
    fenced = FencedProgress(pool, progress, "deskstream.ticketing", "cluster")
    start = (await fenced.claim([HERE]))[HERE] or 0
    filing = Filing(pool, fenced, CONFIRMING)
    for at in range(start, count, 2):
        names = [f"m{at - 1}"] if at else []
        await filing([record(said(f"m{n}", "ann@x.example", *names, raw=n, at=n), n) for n in (at, at + 1)])
    await pool.dispose()


if __name__ == "__main__":
    asyncio.run(_run(sys.argv[1], int(sys.argv[2])))
