"""Cursors in memory."""

from collections.abc import Mapping
from typing import Any


class MemoryCursors:
    """Cursors (ingest.contract)."""

    def __init__(self) -> None:
        self.stored: dict[str, Mapping[str, Any]] = {}

    async def load(self, connector: str) -> Mapping[str, Any] | None:
        return self.stored.get(connector)

    async def store(self, connector: str, cursor: Mapping[str, Any]) -> None:
        self.stored[connector] = cursor
