"""How far pollers have read, on the compacted topic `connectors.cursors`."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from bus.connector import ConnectorCursor
from bus.headers import cloud_event
from bus.kafka_settings import KafkaSettings
from bus.latest import latest_by_key
from bus.publisher import Publisher
from bus.record import Outgoing
from bus.topics import CURSORS


class KafkaCursors:
    """Cursors (ingest.contract)."""

    def __init__(self, kafka: KafkaSettings, publisher: Publisher) -> None:
        self._kafka = kafka
        self._publisher = publisher

    async def load(self, connector: str) -> Mapping[str, Any] | None:
        """See Cursors."""
        record = (await latest_by_key(self._kafka, CURSORS)).get(connector)
        return None if record is None else ConnectorCursor.from_json(record.value or b"").cursor

    async def store(self, connector: str, cursor: Mapping[str, Any]) -> None:
        """See Cursors."""
        value = ConnectorCursor(connector=connector, cursor=dict(cursor), at=datetime.now(UTC))
        headers = cloud_event(connector, value.kind, f"/connectors/{connector}", time=value.at)
        await self._publisher.publish([Outgoing(CURSORS, connector, value.to_json(), headers)])
