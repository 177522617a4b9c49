"""A running receiver."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest_asyncio

from tests.ingest.receiving import Rig


@pytest_asyncio.fixture
async def rig(tmp_path: Path) -> AsyncIterator[Rig]:
    async with Rig(tmp_path).running() as rig:
        yield rig
