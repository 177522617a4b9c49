"""A sample of the million (tests.bench.million): stopped and taken up again, its figures are right by the topics."""

import os

import psutil
import pytest

from tests.bench.many_tickets import ManyTickets
from tests.bench.million import Growth, Pace, Place, compared, grow, open_desk
from tests.conftest import Stack
from tests.metrics_worker.test_worker import published


@pytest.mark.stack
async def test_growth_goes_on_where_it_was_and_its_figures_are_right(stack: Stack) -> None:
    growth, evenly = Growth(seed=7), Pace(1_000, 100, 2)
    for paces in ([Pace(0, 150, 2)], [Pace(0, 150, 1), evenly]):
        desk = await open_desk(Place(stack.kafka, stack.database, growth.database), growth)
        async for measured in grow(desk, growth, paces, psutil.Process(os.getpid())):
            assert measured.worker_mb > 0
        assert await desk.settled() == []
        assert (await published(desk))["desk", "total"].count == growth.tickets
        await desk.close()
    assert [each.tickets for each in growth.stretches] == [150, 300, 450, 550, 650]
    pairs = [(each, each) for each in growth.stretches if each.a_second == evenly.a_second]
    assert compared(pairs)["figures, last tickets × first by turns, CPU µs per event at 1,000 events/s"] == 1.0


def test_tickets_are_the_same_in_whatever_portions() -> None:
    once, again = ManyTickets(3), ManyTickets(3)
    told = list(once.told(900))
    again.pass_over(400)
    parts = [*again.told(300), *again.told(200)]
    assert [event.to_json() for event in parts] == [event.to_json() for event in told[-len(parts) :]]
    closed = [event.ticket_id for event in told if event.type == "ticket.closed"]
    assert len(closed) == len(set(closed)) == 900 - 900 // 4
