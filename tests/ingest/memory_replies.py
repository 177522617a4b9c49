"""ReplyTopic (ingest.live_replies) on the bus in memory."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime

from bus.memory import MemoryBus
from bus.message import Channel
from bus.record import Outgoing
from bus.reply import Receipt, Reply
from bus.topics import RECEIPTS, replies_topic
from ingest.attempts import Outcome, ended, receipt_record
from ingest.live_replies import Kept


class MemoryReplies:
    """As `KafkaReplies`. `say` is what the desk's relay does."""

    def __init__(self, bus: MemoryBus, channel: Channel) -> None:
        self._bus = bus
        self._topic = replies_topic(channel)
        self._next: dict[int, int] = {}

    async def follow(self) -> AsyncIterator[tuple[Reply, int] | None]:
        while True:
            news = self._bus.news
            for record in self._bus.records(self._topic):
                if record.offset >= self._next.get(record.partition, 0) and record.value is not None:
                    self._next[record.partition] = record.offset + 1
                    yield Reply.from_json(record.value), record.partition
            yield None
            await news.wait()

    async def shown(self, connector: str, kept: Kept) -> None:
        receipt = ended(kept.reply, connector, datetime.now(UTC), Outcome("sent", provider_id=kept.reply.reply_id))
        record = receipt_record(receipt.model_copy(update={"shown": True}), kept.partition)
        await self._bus.publisher().publish([record])


async def say(bus: MemoryBus, reply: Reply) -> None:
    """The desk answers."""
    topic = replies_topic(reply.channel)
    await bus.publisher().publish([Outgoing(topic, reply.ticket_id, reply.to_json())])


def shown(bus: MemoryBus) -> list[str]:
    """The replies of which it was told that a customer has them, as often as it was."""
    receipts = [Receipt.from_json(record.value or b"") for record in bus.records(RECEIPTS)]
    return [receipt.reply_id for receipt in receipts if receipt.state == "sent"]
