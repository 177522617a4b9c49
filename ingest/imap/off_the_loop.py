"""Blocking work beside the event loop, which can be given up on.

Not `asyncio.to_thread`: a mailbox that idles would hold one of the pool's few threads for good, and a thread of the
pool that hangs in a connection would hold up the end of the process.
"""

import asyncio
import contextlib
import threading
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")


async def off_the_loop(work: Callable[[], T], *, limit: float, abort: Callable[[], None]) -> T:
    """The work's result. After `limit` seconds (TimeoutError), or when cancelled, `abort` is called, which must make
    the work fail soon; nobody waits for that.
    """
    loop = asyncio.get_running_loop()
    outcome: asyncio.Future[T] = loop.create_future()

    def deliver(result: T | None, error: BaseException | None) -> None:
        if outcome.done():
            return
        if error is not None:
            outcome.set_exception(error)
        else:
            outcome.set_result(result)  # type: ignore[arg-type]  # None only beside an error, or as a result

    def run() -> None:
        result, error = None, None
        try:
            result = work()
        except BaseException as raised:  # noqa: BLE001  # it is raised where it is awaited
            error = raised
        with contextlib.suppress(RuntimeError):  # the loop has ended meanwhile
            loop.call_soon_threadsafe(deliver, result, error)

    threading.Thread(target=run, name="imap", daemon=True).start()
    try:
        async with asyncio.timeout(limit):
            return await outcome
    except (TimeoutError, asyncio.CancelledError):
        abort()
        raise
