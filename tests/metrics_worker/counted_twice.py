"""The figures of tickets written by hand, as the product counts them and as the oracle does."""

from tests.metrics_worker.histories import Ticket
from tests.metrics_worker.in_memory import Memory
from tests.metrics_worker.oracle import Number, count

HOUR, MIN = 3600, 60


def numbers(*tickets: Ticket, key: str = "desk") -> dict[str, Number]:
    """All figures of a key that are not 0."""
    memory = Memory()
    events = [event for ticket in tickets for event in ticket.events]
    memory.settle(events)
    assert memory.counted == count(events)
    return {figure: number for (whose, figure), number in memory.counted.items() if whose == key}


def figures(*tickets: Ticket, key: str = "desk") -> dict[str, int]:
    """How many."""
    return {figure: number.count for figure, number in numbers(*tickets, key=key).items()}


def of(number: Number) -> tuple[int, int]:
    """How many, and their sum."""
    return number.count, number.sum
