"""The loop of understanding: raw records in, messages out, everything of a batch in one call, then the commit."""

from collections.abc import Callable, Sequence

import structlog

from bus.blobs import BlobStore
from bus.dead_letter import dead_letter_key
from bus.errors import Invalid
from bus.failpoints import failpoint
from bus.headers import cloud_event, traceparent_of
from bus.message import IgnoredMessage, NormalizedMessage, RawPosition
from bus.model import BlobRef, Wire
from bus.publisher import Publisher
from bus.raw import RawMessage
from bus.record import Outgoing, Position, Received
from bus.topics import messages_topic
from ingest.fitting import fitted
from normalize.outcome import Ignored, Normalize, Understood

log = structlog.get_logger()

WorkingOn = Callable[[Position | None], None]
"""Called before each record, and with None when the normalizer has let go of it."""


class Understanding:
    """BatchHandler (bus.loop) of one connector. Repeating a batch publishes the same ids again, which is harmless.

    `skip`: positions that have been parked by the parent and are passed over.
    """

    def __init__(
        self,
        account: str,
        normalize: Normalize,
        blobs: BlobStore,
        publisher: Publisher,
        *,
        working_on: WorkingOn,
        understood: Callable[[int], None],
        skip: frozenset[Position] = frozenset(),
        replayed: bool = False,
    ) -> None:
        self._account = account
        self._source = f"/connectors/{account}"
        self._source_header = self._source.encode()
        self._normalize = normalize
        self._blobs = blobs
        self._publisher = publisher
        self._working_on = working_on
        self._understood = understood
        self._skip = skip
        self._replayed = replayed

    async def __call__(self, batch: Sequence[Received]) -> None:
        """Understand, store blobs, publish, in this order."""
        records: list[Outgoing] = []
        blobs: dict[str, bytes] = {}
        for record in batch:
            if self._is_ours(record):
                records += await self._messages(record, blobs)
                if sum(map(len, blobs.values())) > _BLOBS_AT_ONCE:
                    await self._store(blobs)
        await self._store(blobs)
        failpoint("understand.before_publish")
        if records:
            await self._publisher.publish(records)
        failpoint("understand.after_publish")
        self._understood(len(records))

    def _is_ours(self, record: Received) -> bool:
        if record.position in self._skip or record.value is None:
            return False
        source = record.headers.get("ce_source")
        return source is None or source == self._source_header

    async def _messages(self, record: Received, blobs: dict[str, bytes]) -> list[Outgoing]:
        assert record.value is not None
        raw = parsed(record)
        if raw.account != self._account:
            return []
        payload = await self._blobs.get(raw.payload.blob) if isinstance(raw.payload, BlobRef) else raw.payload.base64
        self._working_on(record.position)
        try:
            outcomes = self._normalize(raw, payload)
        finally:
            self._working_on(None)
        trace = traceparent_of(record.headers)
        return [self._outgoing(record, raw, outcome, trace, blobs) for outcome in outcomes]

    def _outgoing(
        self,
        record: Received,
        raw: RawMessage,
        outcome: Understood | Ignored,
        trace: str | None,
        blobs: dict[str, bytes],
    ) -> Outgoing:
        message: Wire
        where = RawPosition.model_construct(topic=record.topic, partition=record.partition, offset=record.offset)
        if isinstance(outcome, Ignored):
            message = IgnoredMessage(channel=raw.channel, account=raw.account, reason=outcome.reason, raw=where)
            key, ce_id, value = record.key or raw.account, dead_letter_key(*record.position), message.to_json()
        else:
            blobs.update(outcome.blobs)
            more = {"raw": where, "received_at": raw.received_at, "replayed": self._replayed}
            message = NormalizedMessage.trusted({**outcome.message.__dict__, **more})
            message, value, large = fitted(message)
            blobs.update(large)
            key, ce_id = conversation_key(message), message.message_id
        headers = cloud_event(ce_id, message.kind, self._source, time=raw.received_at, traceparent=trace)
        return Outgoing(messages_topic(raw.channel), key, value, headers)

    async def _store(self, blobs: dict[str, bytes]) -> None:
        if not blobs:
            return
        stored = await self._blobs.put_derived(list(blobs.values()))
        for name, true_name in zip(blobs, stored, strict=True):
            if name != true_name:
                raise Invalid(f"the normalizer calls a blob {name} that is {true_name}")
        blobs.clear()


_BLOBS_AT_ONCE = 16 * 1024 * 1024


def parsed(record: Received) -> RawMessage:
    """The raw record as its model. Raises Invalid."""
    try:
        return RawMessage.from_json(record.value or b"")
    except ValueError as error:
        raise Invalid(f"not a raw record: {str(error).splitlines()[0]}") from None


def conversation_key(message: NormalizedMessage) -> str:
    """What keeps a conversation's messages in order on the topic: the provider's thread, else the author."""
    for ref in message.refs:
        if ref.kind == "provider_thread":
            return ref.value
    return message.author.address
