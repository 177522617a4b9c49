"""Raw first: the untouched item on its topic, or in the blob store with a reference on the topic."""

import asyncio
import secrets
from collections.abc import Callable, Sequence
from typing import Any

from bus.blobs import BlobStore
from bus.errors import Retryable
from bus.headers import cloud_event, new_traceparent
from bus.message import INLINE_RAW_BYTES
from bus.model import BlobRef
from bus.publisher import Publisher
from bus.raw import Inline, RawMessage
from bus.record import Outgoing, Position
from bus.topics import raw_topic
from ingest.contract import Connector


class Emitting:
    """Emit (ingest.contract) of one connector."""

    def __init__(
        self,
        row: Connector[Any],
        name: str,
        publisher: Publisher,
        blobs: BlobStore,
        *,
        counted: Callable[[int], None],
    ) -> None:
        self._topic = raw_topic(row.channel)
        self._key = row.raw_key
        self._source = f"/connectors/{name}"
        self._publisher = publisher
        self._blobs = blobs
        self._counted = counted

    async def __call__(self, *raw: RawMessage) -> Sequence[Position]:
        """See Emit."""
        emission = asyncio.ensure_future(self._emit(raw))
        try:
            return await asyncio.shield(emission)
        except asyncio.CancelledError:
            emission.add_done_callback(_hear)
            raise

    async def _emit(self, raw: Sequence[RawMessage]) -> Sequence[Position]:
        records = []
        for item in raw:
            payload = item.payload
            if isinstance(payload, Inline) and len(payload.base64) > INLINE_RAW_BYTES:
                name = await self._blobs.put(payload.base64)
                item = item.model_copy(update={"payload": BlobRef(blob=name, size=len(payload.base64))})  # noqa: PLW2901
            records.append(self._record(item))
        positions = await self._publisher.publish(records)
        self._counted(len(records))
        return positions

    def _record(self, raw: RawMessage) -> Outgoing:
        headers = cloud_event(
            secrets.token_hex(12), raw.kind, self._source, time=raw.received_at, traceparent=new_traceparent()
        )
        return Outgoing(self._topic, self._key(raw), raw.to_json(), headers)


def _hear(emission: "asyncio.Future[Sequence[Position]]") -> None:
    if not emission.cancelled() and isinstance(emission.exception(), Retryable):
        return  # nobody waits for it any more, and its source was told nothing
