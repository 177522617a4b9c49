"""Senders for tests, and what Kafka says of their replies."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence

from bus.kafka_settings import KafkaSettings
from bus.latest import read_to_end
from bus.record import Received
from bus.reply import Receipt, Reply
from bus.topics import RECEIPTS


class Recorder:
    """Sender that notes what left; `before` runs first and may raise what a provider would."""

    def __init__(self, *, idempotent: bool = False, before: Callable[[Reply], Awaitable[None]] | None = None) -> None:
        self.idempotent = idempotent
        self.left: list[str] = []
        self.arrived = asyncio.Event()
        self._before = before

    async def send(self, reply: Reply) -> str:
        """Note it."""
        if self._before is not None:
            await self._before(reply)
        self.left.append(reply.reply_id)
        self.arrived.set()
        return f"provider-{reply.reply_id}"

    async def close(self) -> None:
        """Nothing is open."""


def failing(error: Exception) -> Callable[[Reply], Awaitable[None]]:
    """A `before` that fails so."""

    async def fail(_: Reply) -> None:
        raise error

    return fail


def received(replies: Sequence[Reply], partition: int = 0, offset: int = 0) -> list[Received]:
    """The replies as records of a topic, one after another."""
    return [
        Received("replies.email", partition, offset + n, reply.ticket_id, reply.to_json(), 0, {})
        for n, reply in enumerate(replies)
    ]


async def receipts_of(kafka: KafkaSettings, connector: str) -> list[tuple[int, Receipt]]:
    """All receipts of a connector, in order, each with its partition."""
    return [
        (record.partition, receipt)
        async for record in read_to_end(kafka, [RECEIPTS])
        if record.value is not None and (receipt := Receipt.from_json(record.value)).connector == connector
    ]


async def states_of(kafka: KafkaSettings, connector: str) -> list[tuple[str, int, str]]:
    """(reply id, attempt, state) of all receipts of a connector, in order."""
    return [(r.reply_id, r.attempt, r.state) for _, r in await receipts_of(kafka, connector)]
