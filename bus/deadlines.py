"""Deadlines for very many short waits: they cost a look at the clock each, and one timer of the loop for all of them.

A timer of its own for each of four waits that a request goes through was a fifth of what the request cost.
"""

import asyncio
from types import TracebackType

_LATEST = 0.25
"""Seconds by which a deadline may be late, at most; never more than an eighth of it."""


class Deadline:
    """As `asyncio.timeout(seconds)`, for `with`, not `async with`: TimeoutError when the time is over."""

    __slots__ = ("_cancelling", "_expired", "_lane", "_task", "due")

    def __init__(self, lane: "_Lane") -> None:
        self._lane = lane
        self._expired = False
        self.due = 0.0

    def __enter__(self) -> None:
        task = asyncio.current_task()
        assert task is not None, "a deadline is for a task"
        self._task = task
        self._cancelling = task.cancelling()
        self._lane.enter(self)

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._lane.leave(self)
        if self._expired and self._task.uncancel() <= self._cancelling and kind is asyncio.CancelledError:
            raise TimeoutError from error

    def expire(self) -> None:
        """The time is over."""
        self._expired = True
        self._task.cancel()


class Deadlines:
    """Of one event loop, the one that runs when the first deadline is taken."""

    def __init__(self) -> None:
        self._lanes: dict[float, _Lane] = {}

    def within(self, seconds: float) -> Deadline:
        """A deadline so many seconds after it is entered."""
        lane = self._lanes.get(seconds)
        if lane is None:
            lane = self._lanes[seconds] = _Lane(seconds)
        return Deadline(lane)


class _Lane:
    """Deadlines of one length: who came first is due first."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._grain = min(_LATEST, seconds / 8)
        self._loop = asyncio.get_running_loop()
        self._waiting: dict[Deadline, None] = {}
        self._looking = False

    def enter(self, deadline: Deadline) -> None:
        deadline.due = self._loop.time() + self._seconds
        self._waiting[deadline] = None
        if not self._looking:
            self._looking = True
            self._loop.call_later(self._seconds, self._look)

    def leave(self, deadline: Deadline) -> None:
        self._waiting.pop(deadline, None)

    def _look(self) -> None:
        now = self._loop.time()
        while self._waiting:
            first = next(iter(self._waiting))
            if first.due > now:
                self._loop.call_later(max(first.due - now, self._grain), self._look)
                return
            del self._waiting[first]
            first.expire()
        self._looking = False
