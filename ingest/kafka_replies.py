"""ReplyTopic (ingest.live_replies) on Kafka."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime

from pydantic import ValidationError

from bus.kafka_settings import KafkaSettings
from bus.message import Channel
from bus.publisher import Publisher
from bus.reply import Reply
from bus.topics import replies_topic
from ingest.attempts import Outcome, ended, receipt_record
from ingest.following import follow
from ingest.live_replies import Kept


class KafkaReplies:
    """Reads `replies.<channel>` outside any group; goes on where it was when it is begun again."""

    def __init__(self, kafka: KafkaSettings, channel: Channel, publisher: Publisher) -> None:
        self._kafka = kafka
        self._topic = replies_topic(channel)
        self._publisher = publisher
        self._next: dict[int, int] = {}

    async def follow(self) -> AsyncIterator[tuple[Reply, int] | None]:
        """See ReplyTopic."""
        async for record in follow(self._kafka, self._topic, begin=self._next):
            if record is None:
                yield None
                continue
            self._next[record.partition] = record.offset + 1
            if record.value is None:
                continue
            try:
                reply = Reply.from_json(record.value)
            except ValidationError:
                continue  # the sending part parks it
            yield reply, record.partition

    async def shown(self, connector: str, kept: Kept) -> None:
        """See ReplyTopic."""
        outcome = Outcome("sent", provider_id=kept.reply.reply_id)
        receipt = ended(kept.reply, connector, datetime.now(UTC), outcome).model_copy(update={"shown": True})
        await self._publisher.publish([receipt_record(receipt, kept.partition)])
