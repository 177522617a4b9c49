"""A desk's tickets, as many as are asked for: who writes, who ends, and when.

A ticket begins every minute, of an account that has about as many tickets as any other at any time: a desk grows by
customers. A quarter of all tickets are open; of those that end, three in four began within three days, and the fourth
anywhere in the two years that a million takes.
"""

import random
from collections.abc import Iterator

from bus.ticket_event import TicketEvent
from tests.metrics_worker.histories import Ticket

_OPEN = 4
"""One ticket of so many is open."""
_OLD = 4
"""One of so many that end began at any time."""
_THREE_DAYS = 3 * 24 * 60
_OF_AN_ACCOUNT = 20


class ManyTickets:
    """The same ones for the same seed, in whatever portions they are asked for."""

    def __init__(self, seed: int) -> None:
        self._dice = random.Random(seed)
        self._waiting = set[int]()
        self.number = 0

    def pass_over(self, tickets: int) -> None:
        """Go on after so many that were told before."""
        for _ in range(tickets):
            self._next()

    def told(self, tickets: int) -> Iterator[TicketEvent]:
        """The events of so many that begin, and of those that end meanwhile."""
        for _ in range(tickets):
            now = self.number
            ended = self._next()
            yield from _begun(now).events
            if ended is not None:
                yield _begun(ended).closed(now).events[-1]

    def _next(self) -> int | None:
        """Begin one; the one that ends then, if one does."""
        self._waiting.add(self.number)
        self.number += 1
        if len(self._waiting) <= self.number // _OPEN:
            return None
        last = self.number - 1
        began = 0 if self._dice.randrange(_OLD) == 0 else max(0, last - _THREE_DAYS)
        while (chosen := self._dice.randint(began, last)) not in self._waiting:
            pass
        self._waiting.remove(chosen)
        return chosen


def contact(number: int) -> str:
    """Who writes: every tenth has written before."""
    return f"mc{number * 9 // 10}"


def _begun(number: int) -> Ticket:
    account = f"ma{number * 2_654_435_761 % 2**32 % (number // _OF_AN_ACCOUNT + 1)}"
    return Ticket(f"m{number}", number, contact(number), account).mail(number)
