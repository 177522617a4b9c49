"""Whatever dies, repeats or is replaced: every message takes effect once."""

import asyncio
import os
import random
import subprocess
import sys

import pytest
import sqlalchemy as sa
from sqlalchemy.engine import make_url

from bus.dead_letter import DeadLetter
from bus.errors import Fenced, Retryable
from bus.loop import consume
from bus.parking import Parking
from bus.progress import FencedProgress, Moving
from bus.record import Outgoing, Partition, Position, Received
from tests.proxy import LosingProxy, commits
from tests.ticketing.filing.conftest import HERE, Desk
from tests.ticketing.filing.said import CONFIRMING, record, said
from ticketing.database import engine
from ticketing.filing import Filing
from ticketing.tables import progress

pytestmark = pytest.mark.stack


def _process(url: str, failpoints: str = "") -> int:
    return subprocess.run(
        [sys.executable, "-m", "tests.ticketing.filing.one_filer", url, "8"],
        env=os.environ | {"DESKSTREAM_FAILPOINTS": failpoints},
        timeout=60,
        check=False,
    ).returncode


@pytest.mark.parametrize("point", ["file.before_commit", "file.after_commit"])
@pytest.mark.parametrize("hit", [1, 3])
async def test_a_process_killed_there_loses_and_doubles_nothing(desk: Desk, point: str, hit: int) -> None:
    assert await asyncio.to_thread(_process, desk.url, f"{point}=kill@{hit}") == -9
    done = hit if point == "file.after_commit" else hit - 1
    assert await desk.rows("SELECT next_offset FROM desk.progress") == [(2 * done if done else None,)]
    assert len(await desk.rows("SELECT 1 FROM desk.messages")) == 2 * done
    assert await asyncio.to_thread(_process, desk.url) == 0
    assert len(await desk.rows("SELECT 1 FROM desk.messages")) == 8
    received = await desk.rows("SELECT 1 FROM desk.ticket_events WHERE type = 'ticket.message_received'")
    assert len(received) == 8
    assert await desk.rows("SELECT 1 FROM desk.settled") == []


async def test_three_filers_at_once_agree_on_one_desk(desk: Desk) -> None:
    """Three partitions, each with its own filer, hold the mails of the same conversations."""
    rng = random.Random(7)
    mails = [
        said(f"c{c}-{n}", f"p{c}@x.example", *([f"c{c}-{n - 1}"] if n else []), at=n)
        for c in range(8)
        for n in range(6)
    ]
    rng.shuffle(mails)

    async def one(partition: int) -> None:
        where = Partition("messages.email", partition)
        pool = engine(desk.url)
        fenced = FencedProgress(pool, progress, "deskstream.ticketing", "cluster")
        await fenced.claim([where])
        filing = Filing(pool, fenced, CONFIRMING)
        mine = [record(mail, at, partition) for at, mail in enumerate(mails[partition - 1 :: 3])]
        for at in range(0, len(mine), 3):
            await filing(mine[at : at + 3])
        await pool.dispose()

    await asyncio.gather(*(one(partition) for partition in (1, 2, 3)))
    found = sorted(map(sorted, await desk.conversations()))
    assert found == [[f"c{c}-{n}" for n in range(6)] for c in range(8)]
    assert sorted(await desk.requesters()) == [f"p{c}@x.example" for c in range(8)]
    gaps = await desk.rows(
        "SELECT ticket_id FROM desk.ticket_events GROUP BY ticket_id "
        "HAVING count(*) <> max(version) OR array_agg(version ORDER BY id) <> array_agg(version ORDER BY version)"
    )
    assert gaps == []


async def test_who_was_replaced_files_nothing(desk: Desk) -> None:
    successor = FencedProgress(desk.engine, progress, "deskstream.ticketing", "cluster")
    await successor.claim([HERE])
    with pytest.raises(Fenced):
        await desk.file(said("a"))
    assert await desk.rows("SELECT 1 FROM desk.messages") == []
    await Filing(desk.engine, successor, CONFIRMING)([record(said("a"))])
    assert await desk.conversations() == [{"a"}]


async def test_a_commit_whose_answer_is_lost_takes_effect_once(desk: Desk) -> None:
    url = make_url(desk.url)
    assert url.host
    assert url.port
    proxy = LosingProxy((url.host, url.port), commits, 1.0, seed=1)
    with proxy.running():
        pool = engine(url.set(host="127.0.0.1", port=proxy.port).render_as_string(hide_password=False))
        fenced = FencedProgress(pool, progress, "deskstream.ticketing", "cluster")
        proxy.share = 0.0
        await fenced.claim([HERE])
        proxy.share = 1.0
        filing, batch = Filing(pool, fenced, CONFIRMING), [record(said("a")), record(said("b", "b@x.example", "a"), 1)]
        with pytest.raises(Retryable):
            await filing(batch)
        assert proxy.lost == 1
        assert await desk.conversations() == [{"a", "b"}]  # it was done, and nobody heard of it
        proxy.share = 0.0
        await filing(batch)
        await pool.dispose()
    assert await desk.conversations() == [{"a", "b"}]
    assert await desk.history(1) == ["opened", "message_received", "confirmed", "message_received"]
    assert await desk.settled() == []


async def test_an_event_is_never_committed_behind_a_later_one(desk: Desk) -> None:
    """Another writer holds the outbox: filing waits for it, so that ids follow commits."""
    async with desk.engine.connect() as other, other.begin():
        await other.execute(sa.text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": 0x6F757462})
        filing = asyncio.create_task(desk.file(said("a")))
        await asyncio.sleep(0.3)
        assert not filing.done()
    await filing
    assert await desk.conversations() == [{"a"}]


class _Letters:
    def __init__(self) -> None:
        self.letters: list[DeadLetter] = []

    async def publish(self, records: list[Outgoing]) -> list[Position]:
        self.letters += [DeadLetter.from_json(each.value or b"") for each in records]
        return []


class _OneBatch:
    """A source that gives one batch, then nothing."""

    def __init__(self, batch: list[Received], done: asyncio.Event) -> None:
        self.busy = asyncio.Lock()
        self._batch, self._done = batch, done

    async def start(self) -> None: ...

    async def poll(self) -> list[Received]:
        batch, self._batch = self._batch, []
        return batch

    async def settled(self, batch: object) -> None:  # noqa: ARG002  # the form of a source
        self._done.set()

    async def rejoin(self) -> None: ...

    async def stop(self) -> None: ...


async def test_one_bad_record_is_parked_and_the_others_are_filed(desk: Desk) -> None:
    batch = [record(said(f"m{n}"), n) for n in range(9)]
    batch[4] = Received("messages.email", 0, 4, "k", b'{"kind":"message.v1"}', 0)
    done, letters = asyncio.Event(), _Letters()
    source, parking = _OneBatch(batch, done), Parking(letters, "ticketing")  # type: ignore[arg-type]
    await consume(source, desk.filing, parking, progress=desk.progress, stop=done)
    assert [(letter.offset, letter.error) for letter in letters.letters] == [(4, "invalid")]
    assert len(await desk.conversations()) == 8
    assert await desk.rows("SELECT next_offset FROM desk.progress") == [(9,)]


async def test_a_database_that_goes_away_is_retried_not_parked(desk: Desk) -> None:
    class Gone:
        def moving(self, batch: object) -> Moving:  # noqa: ARG002  # its form
            return Moving("SELECT pg_terminate_backend(pg_backend_pid())", {"topics": ()})

    with pytest.raises(Retryable):
        await Filing(desk.engine, Gone(), CONFIRMING)([record(said("a"))])
    await desk.file(said("a"))
    assert await desk.conversations() == [{"a"}]
