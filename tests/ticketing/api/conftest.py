"""One house for the session: its tests file tickets of their own and leave the others' alone."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from bus.blobs import FolderBlobs
from tests.conftest import Stack
from tests.ticketing.api.house import House, leave, settle_in
from ticketing.migrate import upgrade


@pytest.fixture(scope="session")
async def house(stack: Stack, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[House]:
    """The house."""
    url = stack.new_database()
    await asyncio.to_thread(upgrade, url)
    folder: Path = tmp_path_factory.mktemp("blobs")
    opened = await settle_in(url, FolderBlobs(folder))
    yield opened
    await leave(opened)
