"""A mail server that does what a test tells it to."""

from collections.abc import AsyncIterator

import pytest

from tests.ingest.imap.scripted_server import ScriptedImap


@pytest.fixture
def server() -> ScriptedImap:
    """An empty mailbox."""
    return ScriptedImap()


@pytest.fixture
async def port(server: ScriptedImap) -> AsyncIterator[int]:
    """Where it listens."""
    async with server.serving() as port:
        yield port
