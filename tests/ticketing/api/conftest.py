"""One house for the session: its tests file tickets of their own and leave the others' alone."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from bus.blobs import FolderBlobs
from tests.conftest import Stack
from tests.ticketing.api.house import House, leave, settle_in
from ticketing.migrate import upgrade


@asynccontextmanager
async def _opened(stack: Stack, folder: Path) -> AsyncIterator[House]:
    url = stack.new_database()
    await asyncio.to_thread(upgrade, url)
    opened = await settle_in(url, FolderBlobs(folder))
    yield opened
    await leave(opened)


@pytest.fixture(scope="session")
async def house(stack: Stack, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[House]:
    """The house."""
    async with _opened(stack, tmp_path_factory.mktemp("blobs")) as opened:
        yield opened


@pytest.fixture(scope="module")
async def house_of_its_own(stack: Stack, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[House]:
    """Another one, for who logs people out and throws things away."""
    async with _opened(stack, tmp_path_factory.mktemp("blobs")) as opened:
        yield opened
