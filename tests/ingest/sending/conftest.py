"""A desk's Kafka with every topic, and names of its own for each test."""

import uuid
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from bus.kafka_settings import KafkaSettings
from bus.topics import create_topics, topics
from tests.conftest import Stack


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def kafka(stack: Stack) -> AsyncIterator[KafkaSettings]:
    """The session's Kafka; all topics exist."""
    settings = KafkaSettings(servers=stack.kafka)
    await create_topics(settings, topics())
    yield settings


@pytest.fixture
def connector() -> str:
    """A connector that no other test uses: its own account, group, transactional ids and receipts."""
    return f"mail-{uuid.uuid4().hex[:12]}"
