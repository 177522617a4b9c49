"""Every connector of the table keeps the contract, by every way in and out that it has."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from ingest.contract import Connector
from ingest.table import CONNECTORS
from tests.contracts.connector_contract import (
    PollingContract,
    ReceivingContract,
    SendingContract,
    SendingTrial,
    Trial,
)
from tests.contracts.sending_trials import SENDING
from tests.contracts.trials import ASKING, TOLD

HEARING_THE_DESK = {"chat"}
"""Connectors whose receiver asks no source but hears what the desk answers."""


class TestTold(ReceivingContract):
    @pytest_asyncio.fixture(params=list(TOLD))
    async def trial(self, request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Trial]:
        async with TOLD[request.param](tmp_path) as trial:
            yield trial


class TestAsking(ReceivingContract, PollingContract):
    @pytest_asyncio.fixture(params=list(ASKING))
    async def trial(self, request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Trial]:
        async with ASKING[request.param](tmp_path) as trial:
            yield trial


class TestSending(SendingContract):
    @pytest_asyncio.fixture(params=list(SENDING))
    async def sending(self, request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[SendingTrial]:
        async with SENDING[request.param](tmp_path) as sending:
            yield sending


@pytest.mark.parametrize("row", CONNECTORS.values(), ids=lambda row: row.name)
def test_no_way_of_a_connector_is_left_out(row: Connector[object]) -> None:  # type: ignore[type-var]  # of any settings
    """A new row brings its trials (trials.py, sending_trials.py)."""
    if row.web:
        assert row.name in TOLD, f"{row.name} is reached by HTTP and has no trial in TOLD"
    if row.receiver:
        assert row.name in TOLD or row.name in ASKING, f"{row.name} receives and has no trial in TOLD or ASKING"
        asks = row.name not in HEARING_THE_DESK
        assert not (row.web and asks) or row.name in ASKING, f"{row.name} also asks; that has no trial in ASKING"
    assert (row.sender is not None) == (row.name in SENDING), f"{row.name} sends: SENDING must say the same"


def test_no_trial_is_of_a_connector_that_is_not_in_the_table() -> None:
    assert {name.partition(" ")[0] for name in (*TOLD, *ASKING, *SENDING)} == set(CONNECTORS)
