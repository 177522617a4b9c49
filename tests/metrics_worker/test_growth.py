"""A sample of the million (tests.bench.million): stopped and taken up again, its figures are right by the topics."""

import os

import psutil
import pytest

from tests.bench.growth import Growth, Measured, Pace
from tests.bench.many_tickets import ManyTickets
from tests.bench.million import Place, compared, grow, open_desk
from tests.conftest import Stack
from tests.metrics_worker.test_worker import published


@pytest.mark.stack
async def test_growth_goes_on_where_it_was_and_its_figures_are_right(stack: Stack) -> None:
    growth, evenly = Growth(seed=7), Pace(1_000, 100, 2)
    for paces in ([Pace(0, 150, 2)], [Pace(0, 150, 1), evenly]):
        desk = await open_desk(Place(stack.kafka, stack.database, growth.database), growth)
        async for measured in grow(desk, growth, paces, psutil.Process(os.getpid()), rest=0.1):
            assert measured.worker_mb > 0
        assert await desk.settled() == []
        assert (await published(desk))["desk", "total"].count == growth.tickets
        await desk.close()
    assert [each.tickets for each in growth.stretches] == [150, 300, 450, 550, 650]
    assert [each.a_second for each in growth.stretches] == [0, 0, 0, 1_000, 1_000]


def test_desks_are_compared_by_turns_at_each_load_after_their_first_pair() -> None:
    def pair(a_second: int, young: float, old: float) -> tuple[Measured, Measured]:
        return Measured(1, a_second, young, young, 100, 0), Measured(9, a_second, old, old, 110, 0)

    found = compared([pair(10, 1, 99), pair(10, 2, 3), pair(10, 4, 8), pair(10, 1, 7), pair(5, 1, 1), pair(5, 4, 5)])
    ratio = "figures, last tickets × first by turns,"
    assert found[f"{ratio} CPU µs per event at 10 events/s"] == 2.0
    assert found[f"{ratio} CPU µs per event at 5 events/s"] == 1.25
    assert found["figures at the last tickets, CPU µs per event at 10 events/s"] == 14
    assert found[f"{ratio} MB of the worker"] == 1.1


def test_tickets_are_the_same_in_whatever_portions() -> None:
    once, again = ManyTickets(3), ManyTickets(3)
    told = list(once.told(900))
    again.pass_over(400)
    parts = [*again.told(300), *again.told(200)]
    assert [event.to_json() for event in parts] == [event.to_json() for event in told[-len(parts) :]]
    closed = [event.ticket_id for event in told if event.type == "ticket.closed"]
    assert len(closed) == len(set(closed)) == 900 - 900 // 4
