"""A process that files its share of a desk's mails: `… -m tests.ticketing.threading.one_filer URL FILE OF N`."""

import asyncio
import json
import random
import sys
from pathlib import Path

from bus.message import NormalizedMessage
from bus.progress import FencedProgress
from bus.record import Partition
from tests.ticketing.filing.said import CONFIRMING, record
from tests.ticketing.threading.conversations import POLICIES
from ticketing.database import engine
from ticketing.filing import Filing
from ticketing.tables import progress


async def _run(url: str, messages: list[NormalizedMessage], n: int) -> None:
    pool = engine(url)
    fenced = FencedProgress(pool, progress, "deskstream.ticketing", "cluster")
    await fenced.claim([Partition("messages.email", n)])
    filing = Filing(pool, fenced, CONFIRMING, POLICIES[0])
    rng, at = random.Random(n), 0
    while at < len(messages):
        batch = messages[at : at + rng.randint(1, 12)]
        await filing([record(message, at + offset, n) for offset, message in enumerate(batch)])
        at += len(batch)
    await pool.dispose()


if __name__ == "__main__":
    _, url, file, of, n = sys.argv
    share = [NormalizedMessage.from_json(each) for each in json.loads(Path(file).read_text())][int(n) :: int(of)]
    asyncio.run(_run(url, share, int(n)))
