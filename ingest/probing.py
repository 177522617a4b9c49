"""Trying a connector's settings without Kafka and without changing anything at the source."""

from collections.abc import Mapping
from typing import Any

from bus.blobs import open_blobs
from bus.errors import ConfigError
from bus.health import Health
from bus.settings import Settings
from ingest.contract import Place
from ingest.table import chosen


class _NoCursors:
    """Cursors (ingest.contract) for a look that leaves no trace."""

    async def load(self, connector: str) -> None:  # the protocol's form
        """Nothing was read yet."""

    async def store(self, connector: str, cursor: Mapping[str, Any]) -> None:
        """Nothing is kept."""


async def probe(settings: Settings, name: str) -> str:
    """What was found, in a sentence. Raises Retryable, and ConfigError for a connector that asks no source."""
    ((row, section),) = chosen(settings, [name]).values()
    if row.probe is None:
        raise ConfigError(f"{row.name} waits for what comes; there is nothing to try")
    place = Place(
        name=name,
        data=settings.data,
        blobs=open_blobs(settings.blob_place),
        cursors=_NoCursors(),
        health=Health(),
        announce=lambda **_: None,
    )
    return await row.probe(section, place)
