"""One leads, the others stand by; whoever loses the session of the lock works no more."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field

import psycopg
import pytest

from bus.errors import Fenced, Retryable
from bus.leadership import Leadership, lead
from tests.conftest import Stack

pytestmark = pytest.mark.stack
LOCK = 0x74657374


@dataclass
class Candidate:
    """What one of them was told, and how often it has begun to work."""

    said: list[str] = field(default_factory=list)
    terms: int = 0
    working: bool = False
    leadership: Leadership | None = None
    fails: Exception | None = None

    def term(self, leadership: Leadership) -> Sequence[Awaitable[None]]:
        """One part, that fails once when it is told to, and works until it is cancelled."""
        self.leadership = leadership
        self.terms += 1
        return [self._work()]

    async def _work(self) -> None:
        self.working = True
        try:
            if (error := self.fails) is not None:
                self.fails = None
                raise error
            await asyncio.Event().wait()
        finally:
            self.working = False


@asynccontextmanager
async def standing(url: str, candidate: Candidate) -> AsyncIterator[asyncio.Task[None]]:
    stop = asyncio.Event()
    task = asyncio.create_task(lead(url, LOCK, candidate.term, stop=stop, report=candidate.said.append, silence=1.5))
    try:
        yield task
    finally:
        stop.set()
        with suppress(ValueError):
            await asyncio.wait_for(task, 10)


async def until(holds: Callable[[], bool]) -> None:
    async with asyncio.timeout(20):
        while not holds():
            await asyncio.sleep(0.02)


async def cut(url: str) -> None:
    """End every leader's session on this database."""
    plain = url.replace("+psycopg", "")
    async with await psycopg.AsyncConnection.connect(plain, autocommit=True) as connection:
        await connection.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
            "WHERE application_name = 'deskstream-leader' AND datname = current_database()"
        )


async def test_one_leads_and_the_next_takes_over(stack: Stack) -> None:
    url = await asyncio.to_thread(stack.new_database)
    first, second = Candidate(), Candidate()
    async with standing(url, second):
        await until(lambda: second.working)
        async with standing(url, first):
            await until(lambda: "standby" in first.said)
            await asyncio.sleep(2.0)  # longer than the silence: heartbeats keep the lock, and standing by the session
            assert (first.terms, second.terms) == (0, 1)
    async with standing(url, first):
        await until(lambda: first.working)
    assert not first.working
    assert first.said[-1] == "leader"


async def test_a_lost_session_ends_the_work_and_the_next_term_begins(stack: Stack) -> None:
    url = await asyncio.to_thread(stack.new_database)
    one = Candidate()
    async with standing(url, one):
        await until(lambda: one.working)
        former = one.leadership
        assert former
        await former.check()
        await cut(url)
        with pytest.raises(Fenced):
            await former.check()
        await until(lambda: one.terms == 2 and one.working)
        assert any("leadership is lost" in said for said in one.said)
        with pytest.raises(Fenced):  # the new session is not the former leadership's
            await former.check()


@pytest.mark.parametrize("error", [Retryable("Kafka is away"), Fenced("another has it")])
async def test_an_error_that_passes_ends_one_term(stack: Stack, error: Exception) -> None:
    url = await asyncio.to_thread(stack.new_database)
    one = Candidate(fails=error)
    async with standing(url, one):
        await until(lambda: one.terms == 2 and one.working)
    assert (str(error) in one.said) == isinstance(error, Retryable)


async def test_any_other_error_is_not_swallowed(stack: Stack) -> None:
    url = await asyncio.to_thread(stack.new_database)
    async with standing(url, Candidate(fails=ValueError("ours"))) as task:
        with pytest.raises(ValueError, match="ours"):
            await asyncio.wait_for(asyncio.shield(task), 10)


async def test_without_a_database_it_waits_and_can_be_stopped() -> None:
    one = Candidate()
    async with standing("postgresql+psycopg://nobody:geheim@127.0.0.1:1/none", one):
        await until(lambda: bool(one.said))
        assert one.said[0].startswith("the database: ")
        assert "geheim" not in one.said[0]
    assert one.terms == 0
