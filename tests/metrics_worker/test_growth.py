"""A sample of the million (tests.bench.million): stopped and taken up again, its figures are right by the topics."""

import os

import psutil
import pytest

from tests.bench.million import Growth, Place, compared, grow, open_desk
from tests.conftest import Stack
from tests.metrics_worker.test_worker import published

pytestmark = pytest.mark.stack


async def test_growth_goes_on_where_it_was_and_its_figures_are_right(stack: Stack) -> None:
    growth = Growth(seed=7, stretch=150)
    for upto in (300, 750):
        desk = await open_desk(Place(stack.kafka, stack.database, growth.database), growth)
        async for measured in grow(desk, growth, upto, psutil.Process(os.getpid()), evenly_from=600):
            assert measured.worker_mb > 0
        assert await desk.settled() == []
        assert (await published(desk))["desk", "total"].count == upto
        await desk.close()
    assert [each.tickets for each in growth.stretches] == [150, 300, 450, 600, 750]
    assert [each.tickets for each in growth.stretches if each.warming_up] == [150, 450]
    assert "figures, last tickets × first by turns, CPU µs per event" in compared(
        growth.stretches[:2], growth.stretches[3:]
    )
