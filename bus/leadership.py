"""One leader among many processes: a session's advisory lock on a connection of its own (reliability, Frozen leaders).

The server ends a session that has been silent for 15 s and so frees its lock; a heartbeat three times as often keeps
that of a living leader. No transaction-pooling proxy may stand between a leader and the database.
"""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence

import psycopg
import sqlalchemy as sa
import structlog

from bus.database import BY_KEYS
from bus.errors import Fenced, Retryable

log = structlog.get_logger()

SILENCE = 15.0
"""Seconds after which the server ends a leader's session that says nothing."""
_STANDBY_PAUSE = 0.5
_LAST_PAUSE = 5.0

Session = psycopg.AsyncConnection[tuple[object, ...]]
Report = Callable[[str], None]


async def session(url: str, *, silence: float = SILENCE) -> Session:
    """A plain autocommit connection by an SQLAlchemy URL that the server ends after a silence. Raises Retryable."""
    address = sa.make_url(url).set(drivername="postgresql").render_as_string(hide_password=False)
    options = f"-c idle_session_timeout={silence:g}s -c timezone=UTC -c application_name=deskstream-leader {BY_KEYS}"
    try:
        return await psycopg.AsyncConnection.connect(
            address, autocommit=True, options=options, connect_timeout=10, keepalives_idle=5
        )
    except psycopg.Error as error:
        raise unreachable(error) from None


def unreachable(error: psycopg.Error) -> Retryable:
    """A database error in one line that shows no password."""
    line = str(error).strip().splitlines()
    return Retryable(f"the database: {line[0] if line else type(error).__name__}")


class Leadership:
    """The lock, for as long as the session that holds it lives."""

    def __init__(self, connection: Session, patience: float) -> None:
        self._connection = connection
        self._patience = patience

    async def check(self) -> None:
        """Ask the server whether the session lives, and the lock with it. Raises Fenced.

        For a leader that was fenced and does not know yet whether it leads still: before it fences its successor.
        """
        try:
            async with asyncio.timeout(self._patience):
                await self._connection.execute("SELECT 1")
        except (psycopg.Error, TimeoutError) as error:
            line = str(error).strip().splitlines()
            raise Fenced(f"leadership is lost: {line[0] if line else 'the database does not answer'}") from None


Term = Callable[[Leadership], Sequence[Awaitable[object]]]
"""The parts of the work of one term."""


async def lead(
    url: str, lock: int, term: Term, *, stop: asyncio.Event, report: Report = lambda _: None, silence: float = SILENCE
) -> None:
    """Work while this process holds the lock, stand by while another does, until `stop` is set.

    A part that raises Retryable or Fenced ends the term for all of them, and the next one begins anew; any other error
    ends `lead`. When the session is lost all parts are cancelled: what they still do then is fenced elsewhere.
    `report` hears `leader`, `standby` or what went wrong.
    """
    wait = _STANDBY_PAUSE
    while not stop.is_set():
        try:
            connection = await session(url, silence=silence)
            try:
                if not await _won(connection, lock, stop, report):
                    return
                log.info("leader.begins", lock=lock)
                async with _heartbeat(Leadership(connection, silence * 2 / 3), silence / 3) as leadership:
                    report("leader")
                    await _all_of(term(leadership), stop)
                wait = _STANDBY_PAUSE
            finally:
                await connection.close()
        except Fenced as error:
            log.warning("leader.fenced", detail=str(error))
            report("standby")
        except Retryable as error:
            log.warning("leader.ends", detail=str(error), pause=wait)
            report(str(error))
            wait = min(wait * 2, _LAST_PAUSE)
        await _pause(stop, wait)


async def _won(connection: Session, lock: int, stop: asyncio.Event, report: Report) -> bool:
    """Stand by until the lock is this session's (True) or `stop` is set (False)."""
    while not stop.is_set():
        try:
            row = await (await connection.execute("SELECT pg_try_advisory_lock(%s)", (lock,))).fetchone()
        except psycopg.Error as error:
            raise unreachable(error) from None
        if row is not None and row[0]:
            return True
        report("standby")
        await _pause(stop, _STANDBY_PAUSE)
    return False


async def _pause(stop: asyncio.Event, seconds: float) -> None:
    with contextlib.suppress(TimeoutError):
        await asyncio.wait_for(stop.wait(), seconds)


@contextlib.asynccontextmanager
async def _heartbeat(leadership: Leadership, pause: float) -> AsyncIterator[Leadership]:
    """While inside the session speaks; when it is lost the body is cancelled and Retryable raised."""
    body = asyncio.current_task()
    assert body is not None
    lost: list[Fenced] = []

    async def beat() -> None:
        while True:
            await asyncio.sleep(pause)
            try:
                await leadership.check()
            except Fenced as error:
                lost.append(error)
                body.cancel()
                return

    beating = asyncio.create_task(beat(), name="leader heartbeat")
    try:
        yield leadership
    except asyncio.CancelledError:
        if lost and body.uncancel() == 0:
            raise Retryable(str(lost[0])) from None
        raise
    finally:
        beating.cancel()
        await asyncio.gather(beating, return_exceptions=True)


async def _all_of(parts: Sequence[Awaitable[object]], stop: asyncio.Event) -> None:
    """All parts until one ends or `stop` is set; then the others are cancelled and awaited."""
    tasks: list[asyncio.Future[object]] = [asyncio.ensure_future(part) for part in parts]
    stopping: asyncio.Future[object] = asyncio.ensure_future(stop.wait())
    try:
        await asyncio.wait([*tasks, stopping], return_when=asyncio.FIRST_COMPLETED)
        for task in tasks:
            if task.done():
                task.result()
    finally:
        for task in (*tasks, stopping):
            task.cancel()
        await asyncio.gather(*tasks, stopping, return_exceptions=True)
