"""What a ticket is found by: it follows from its group's facts."""

import pytest

from bus.calendars import ONLY_STANDARD
from metrics_worker.contribution import Marks, contribution
from metrics_worker.groups import groups_of
from tests.metrics_worker.histories import BEGIN, Ticket
from tests.metrics_worker.test_fold import folded

_DAY = 24 * 60
_FIRST = (BEGIN - BEGIN.replace(year=1970, month=1, day=1, hour=0)).days


def _marks(*tickets: Ticket) -> Marks:
    [group] = groups_of({ticket.id: folded(ticket) for ticket in tickets}).values()
    return contribution(group, ONLY_STANDARD).marks


@pytest.mark.parametrize(("after", "days"), [(0, 7), (1, 7), (6, 7), (7, 14), (13, 14), (14, 28), (27, 28), (100, 112)])
def test_nothing_is_after_the_last_day_and_a_week_moves_nothing(after: int, days: int) -> None:
    assert _marks(Ticket().mail(0).message(after * _DAY)).last_day == _FIRST + days - 1
    assert _marks(Ticket().mail(0).closed(after * _DAY)).last_day == _FIRST + days - 1


def test_last_day_is_that_of_the_whole_group() -> None:
    root = Ticket("root").mail(10 * _DAY)
    member = Ticket("member").mail(0).merged(11 * _DAY, "root")
    assert _marks(root, member).last_day == _FIRST + 13
