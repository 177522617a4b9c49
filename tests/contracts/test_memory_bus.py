"""The bus in memory keeps the contract."""

import pytest

from tests.contracts.bus_contract import PublisherContract, SourceContract, TransactionsContract
from tests.contracts.buses import InMemory
from tests.contracts.loop_contract import LoopContract


@pytest.fixture
async def bus() -> InMemory:
    return InMemory()


class TestPublisher(PublisherContract): ...


class TestTransactions(TransactionsContract): ...


class TestSource(SourceContract): ...


class TestLoop(LoopContract): ...
