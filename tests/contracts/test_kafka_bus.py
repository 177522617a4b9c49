"""The bus on Kafka and PostgreSQL keeps the contract."""

from collections.abc import AsyncIterator

import pytest

from tests.conftest import Stack
from tests.contracts.bus_contract import PublisherContract, SourceContract, TransactionsContract
from tests.contracts.buses import OnKafka
from tests.contracts.loop_contract import LoopContract

pytestmark = pytest.mark.stack


@pytest.fixture(scope="module")
async def bus(stack: Stack) -> AsyncIterator[OnKafka]:
    made = OnKafka(stack.kafka, stack.new_database())
    await made.open()
    yield made
    await made.close()


class TestPublisher(PublisherContract): ...


class TestTransactions(TransactionsContract): ...


class TestSource(SourceContract): ...


class TestLoop(LoopContract): ...
