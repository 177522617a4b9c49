"""One leader among many processes: a session's advisory lock on a connection of its own (reliability, Frozen leaders).

The server ends a session that has been silent for 15 s and so frees its lock; a heartbeat every 5 s keeps that of a
living leader. No transaction-pooling proxy may stand between a leader and the database.
"""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence

import psycopg
import sqlalchemy as sa
import structlog

from bus.errors import Fenced, Retryable
from ticketing.database import BY_KEYS

log = structlog.get_logger()

_SILENCE_MS = 15_000
_HEARTBEAT = 5.0
_STANDBY_PAUSE = 0.5
_LAST_PAUSE = 5.0

Session = psycopg.AsyncConnection[tuple[object, ...]]
Part = Callable[[], Awaitable[None]]
Report = Callable[[str], None]


async def session(url: str, *, silence_ms: int = _SILENCE_MS) -> Session:
    """A plain autocommit connection by an SQLAlchemy URL that the server ends after a silence. Raises Retryable."""
    address = sa.make_url(url).set(drivername="postgresql").render_as_string(hide_password=False)
    options = f"-c idle_session_timeout={silence_ms} -c timezone=UTC -c application_name=deskstream-leader {BY_KEYS}"
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


@contextlib.asynccontextmanager
async def holding(
    url: str, lock: int, *, heartbeat: float = _HEARTBEAT, silence_ms: int = _SILENCE_MS
) -> AsyncIterator[bool]:
    """Try once: inside, True while this session holds the lock.

    When the session is lost the body is cancelled and Retryable raised: what it still does then is fenced elsewhere.
    """
    connection = await session(url, silence_ms=silence_ms)
    try:
        try:
            row = await (await connection.execute("SELECT pg_try_advisory_lock(%s)", (lock,))).fetchone()
        except psycopg.Error as error:
            raise unreachable(error) from None
        if row is None or not row[0]:
            yield False
            return
        body = asyncio.current_task()
        assert body is not None
        lost: list[Retryable] = []
        beating = asyncio.create_task(_beat(connection, heartbeat, body, lost), name="leader heartbeat")
        try:
            yield True
        except asyncio.CancelledError:
            if lost and body.uncancel() == 0:
                raise lost[0] from None
            raise
        finally:
            beating.cancel()
            await asyncio.gather(beating, return_exceptions=True)
    finally:
        await connection.close()


async def _beat(connection: Session, pause: float, body: asyncio.Task[object], lost: list[Retryable]) -> None:
    while True:
        await asyncio.sleep(pause)
        try:
            async with asyncio.timeout(2 * pause):
                await connection.execute("SELECT 1")
        except (psycopg.Error, TimeoutError) as error:
            detail = str(error).strip().splitlines()
            lost.append(Retryable(f"leadership is lost: {detail[0] if detail else 'the database does not answer'}"))
            body.cancel()
            return


async def lead(
    url: str,
    lock: int,
    parts: Sequence[Part],
    *,
    stop: asyncio.Event,
    report: Report = lambda _: None,
    heartbeat: float = _HEARTBEAT,
    silence_ms: int = _SILENCE_MS,
    pause: float = _STANDBY_PAUSE,
) -> None:
    """Run the parts while this process holds the lock, stand by while another does, until `stop` is set.

    A part that raises Retryable or Fenced ends its term for all of them, and the next one begins anew; any other error
    ends `lead`. `report` hears `leader`, `standby` or what went wrong.
    """
    wait = pause
    while not stop.is_set():
        try:
            async with holding(url, lock, heartbeat=heartbeat, silence_ms=silence_ms) as ours:
                if ours:
                    report("leader")
                    log.info("leader.begins", lock=lock)
                    await _term(parts, stop)
                    wait = pause
                    continue
            report("standby")
            wait = pause
        except Fenced as error:
            log.warning("leader.fenced", detail=str(error))
            report("standby")
        except Retryable as error:
            log.warning("leader.ends", detail=str(error), pause=wait)
            report(str(error))
            wait = min(wait * 2, _LAST_PAUSE)
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(stop.wait(), wait)


async def _term(parts: Sequence[Part], stop: asyncio.Event) -> None:
    """All parts until one ends or `stop` is set; then the others are cancelled and awaited."""
    tasks: list[asyncio.Future[object]] = [asyncio.ensure_future(part()) for part in parts]
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
