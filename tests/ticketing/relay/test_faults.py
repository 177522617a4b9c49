"""The topics equal the tables after kills, freezes, cut sessions and take-overs; a wrong database is refused."""

import asyncio
import contextlib
import os
import random
import signal
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import replace

import pytest
import sqlalchemy as sa

from bus import topics
from bus.errors import ConfigError, Fenced
from bus.kafka_settings import KafkaSettings
from bus.transactions import KafkaTransactions, TransactionalPublisher
from tests.conftest import Stack
from tests.ticketing.relay.desk import Desk, desk, happen, open_ticket, relaying, tell
from tests.ticketing.relay.test_exact import assert_topics_equal_tables
from ticketing import outbox_tables
from ticketing.outbox import Told, append
from ticketing.relay import Relay

pytestmark = pytest.mark.stack


@contextlib.asynccontextmanager
async def process(of: Desk, failpoints: str) -> AsyncIterator[asyncio.subprocess.Process]:
    """A relay in a process of its own, with a failpoint."""
    running = await asyncio.create_subprocess_exec(
        sys.executable,
        *("-m", "tests.ticketing.relay.process", of.url, of.kafka.servers, of.prefix),
        env={**os.environ, "DESKSTREAM_FAILPOINTS": failpoints},
        stdout=asyncio.subprocess.DEVNULL,
    )
    try:
        yield running
    finally:
        with contextlib.suppress(ProcessLookupError):
            running.kill()
        await running.wait()


@pytest.mark.parametrize("hit", [1, 3])
@pytest.mark.parametrize("point", ["relay.before_publish", "relay.after_publish"])
async def test_killed_at_any_boundary(stack: Stack, point: str, hit: int) -> None:
    async with desk(stack) as of:
        await tell(of, tickets=5, events=3)
        async with process(of, f"{point}=kill@{hit}") as killed:
            assert await asyncio.wait_for(killed.wait(), 30) == -signal.SIGKILL
        await tell(of, tickets=2)
        async with relaying(of) as relay:
            await of.settle(relay)
        await assert_topics_equal_tables(of)


@pytest.mark.parametrize("point", ["relay.before_publish", "relay.after_publish"])
async def test_frozen_and_replaced_it_publishes_nothing_more(stack: Stack, point: str) -> None:
    async with desk(stack) as of:
        await tell(of, tickets=5, events=3)
        async with process(of, f"{point}=stop@2") as frozen:
            await asyncio.to_thread(os.waitid, os.P_PID, frozen.pid, os.WSTOPPED | os.WNOWAIT)
            async with relaying(of) as relay:  # stands by until the server ends the frozen session
                await of.settle(relay)
                os.kill(frozen.pid, signal.SIGCONT)
                await tell(of, tickets=3)
                await of.settle(relay)
                await asyncio.sleep(1.5)  # whatever the thawed one has in hand, it does now
                assert frozen.returncode is None
        await assert_topics_equal_tables(of)


async def test_of_two_relays_the_elder_is_fenced(stack: Stack) -> None:
    async with desk(stack) as of:
        elder, younger = of.relay(), of.relay()
        await tell(of)
        first = asyncio.create_task(elder.run())  # with no lock, as after a freeze
        await of.settle(elder)
        second = asyncio.create_task(younger.run())
        await of.settle(younger)
        await tell(of, tickets=4)
        with pytest.raises(Fenced):
            await asyncio.wait_for(first, 30)
        await of.settle(younger)
        second.cancel()
        await asyncio.gather(second, return_exceptions=True)
        await assert_topics_equal_tables(of)


class LateRelay(Relay):
    """A relay whose predecessor publishes one thing more just before it is fenced."""

    before: Callable[[], Awaitable[None]]

    def _publisher(self) -> TransactionalPublisher:
        return LateStart(self.kafka, self.transactional_id, self.before)


class LateStart(KafkaTransactions):
    """Takes the transactional id after something else has happened."""

    def __init__(self, kafka: KafkaSettings, transactional_id: str, before: Callable[[], Awaitable[None]]) -> None:
        super().__init__(kafka, transactional_id)
        self._before = before

    async def start(self) -> None:
        """Take it, late."""
        await self._before()
        await super().start()


async def test_what_a_predecessor_published_last_is_not_published_again(stack: Stack) -> None:
    async with desk(stack) as of:
        elder = of.relay()
        younger = LateRelay(of.kafka, of.url, of.topics, f"{of.prefix}relay")
        await tell(of)
        first = asyncio.create_task(elder.run())
        await of.settle(elder)

        async def before() -> None:
            await tell(of, tickets=2)
            await of.settle(elder)

        younger.before = before
        second = asyncio.create_task(younger.run())
        await of.settle(younger)
        for task in (first, second):
            task.cancel()
        await asyncio.gather(first, second, return_exceptions=True)
        await assert_topics_equal_tables(of)


async def test_sessions_that_are_cut_are_made_again(stack: Stack) -> None:
    async with desk(stack) as of, relaying(of) as relay:
        for _ in range(2):
            await tell(of, tickets=2)
            await of.settle(relay)
            async with of.engine.begin() as connection:
                cut = await connection.scalar(
                    sa.text(
                        "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity "
                        "WHERE datname = current_database() AND application_name = 'deskstream-leader'"
                    )
                )
            assert cut == 2  # the lock's, and the reader's
            await tell(of, tickets=2)
            await of.settle(relay)
        await assert_topics_equal_tables(of)


@pytest.mark.parametrize("seed", [1, 2])
async def test_whoever_commits_later_is_read_later(stack: Stack, seed: int) -> None:
    chance = random.Random(seed)
    async with desk(stack) as of, relaying(of) as relay:
        async with of.engine.begin() as connection:
            shared = [await open_ticket(connection) for _ in range(3)]

        async def write() -> None:
            for _ in range(12):
                async with of.engine.begin() as connection:
                    own = await open_ticket(connection)
                    wanted = sorted([own, *chance.sample(shared, chance.randint(0, 2))])
                    events = [event for each in wanted for event in await happen(connection, each)]
                    await append(connection, ticket_events=[Told(event) for event in events])
                    await asyncio.sleep(chance.random() * 0.02)  # begun and numbered earlier, committed later

        await asyncio.gather(*(write() for _ in range(6)))
        await of.settle(relay)
        await assert_topics_equal_tables(of)


async def test_a_database_restored_from_an_older_backup_is_refused(stack: Stack) -> None:
    async with desk(stack) as of:
        await tell(of, tickets=3)
        async with relaying(of) as relay:
            await of.settle(relay)
        async with of.engine.begin() as connection:
            await connection.execute(sa.delete(outbox_tables.outgoing))
            await connection.execute(sa.delete(outbox_tables.ticket_events).where(outbox_tables.ticket_events.c.id > 4))
        with pytest.raises(ConfigError, match="older backup"):
            await asyncio.wait_for(of.relay().run(), 20)


async def test_a_database_that_went_another_way_since_the_backup_is_refused(stack: Stack) -> None:
    async with desk(stack) as of:
        await tell(of, tickets=3)
        async with relaying(of) as relay:
            await of.settle(relay)
        async with of.engine.begin() as connection:
            await connection.execute(
                sa.update(outbox_tables.outgoing)
                .where(outbox_tables.outgoing.c.id == relay.published)
                .values(reply_id="another that was numbered the same")
            )
        with pytest.raises(ConfigError, match="older backup"):
            await asyncio.wait_for(of.relay().run(), 20)


async def test_another_database_is_refused(stack: Stack) -> None:
    async with desk(stack) as of, desk(stack) as other:
        for each in (of, other):
            await tell(each, tickets=3)
        async with relaying(of) as relay:
            await of.settle(relay)
        with pytest.raises(ConfigError, match="not in this database"):
            await asyncio.wait_for(replace(other, prefix=of.prefix).relay().run(), 20)
        assert len(await of.read(topics.TICKET_EVENTS)) == 6
