"""The desk that filing's tests use, with service levels."""

from dataclasses import replace
from datetime import timedelta

import pytest

from tests.ticketing.by_hand import DESK, Acts
from tests.ticketing.clocks.stories import LEVELS
from tests.ticketing.filing.conftest import Desk, database
from tests.ticketing.filing.conftest import desk as plain_desk
from tests.ticketing.filing.said import START

__all__ = ["database", "plain_desk"]


@pytest.fixture
def desk(plain_desk: Desk) -> Desk:
    """A desk that promises something."""
    plain_desk.filing = replace(plain_desk.filing, levels=LEVELS, clock=lambda: START)
    return plain_desk


def acts(of: Desk, key: str, hours: float) -> Acts:
    """An agent's act so many hours after the start (Monday, 10:00 in Amsterdam)."""
    return Acts(of.engine, key, "agent-1", START + timedelta(hours=hours), replace(DESK, levels=LEVELS))
