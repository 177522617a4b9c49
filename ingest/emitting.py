"""Raw first: the untouched item on its topic, or in the blob store with a reference on the topic."""

import asyncio
from collections.abc import Callable, Sequence
from typing import Any

from bus.blobs import BlobStore
from bus.errors import Retryable
from bus.headers import cloud_event, new_id, new_traceparent
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
        if any(_too_long(item) for item in raw):
            emission = asyncio.ensure_future(self._emit_stored(raw))
            try:
                return await asyncio.shield(emission)
            except asyncio.CancelledError:
                emission.add_done_callback(_hear)
                raise
        return await self._publish(raw)

    async def _emit_stored(self, raw: Sequence[RawMessage]) -> Sequence[Position]:
        return await self._publish([await self._stored(item) if _too_long(item) else item for item in raw])

    async def _stored(self, item: RawMessage) -> RawMessage:
        assert isinstance(item.payload, Inline)
        name = await self._blobs.put(item.payload.base64)
        return item.model_copy(update={"payload": BlobRef(blob=name, size=len(item.payload.base64))})

    async def _publish(self, raw: Sequence[RawMessage]) -> Sequence[Position]:
        positions = await self._publisher.publish([self._record(item) for item in raw])
        self._counted(len(positions))
        return positions

    def _record(self, raw: RawMessage) -> Outgoing:
        headers = cloud_event(new_id(), raw.kind, self._source, time=raw.received_at, traceparent=new_traceparent())
        return Outgoing(self._topic, self._key(raw), raw.to_json(), headers)


def _too_long(item: RawMessage) -> bool:
    return isinstance(item.payload, Inline) and len(item.payload.base64) > INLINE_RAW_BYTES


def _hear(emission: "asyncio.Future[Sequence[Position]]") -> None:
    if not emission.cancelled() and isinstance(emission.exception(), Retryable):
        return  # nobody waits for it any more, and its source was told nothing
