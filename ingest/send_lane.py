"""One partition of replies while it is ours: the right to write its receipts, and what they say so far."""

from collections.abc import AsyncIterator, Callable, Sequence
from itertools import islice
from typing import NamedTuple

from pydantic import ValidationError

from bus.kafka_settings import KafkaSettings
from bus.latest import read_to_end
from bus.record import Received
from bus.reply import Receipt
from bus.topics import RECEIPTS
from bus.transactions import KafkaTransactions, TransactionalPublisher
from ingest.attempts import Standing, receipt_record

_REMEMBERED = 100_000
"""Receipts kept in memory. Only those of replies whose offset is not committed matter: a few hundred."""


class Report(NamedTuple):
    """A receipt to publish, and the trace its reply belongs to."""

    receipt: Receipt
    trace: str | None


class Lane:
    """The receipts of one connector on one partition. Made new after every error."""

    def __init__(
        self,
        connector: str,
        partition: int,
        publisher: TransactionalPublisher,
        receipts: Callable[[], AsyncIterator[Received]],
    ) -> None:
        self._connector = connector
        self._partition = partition
        self._publisher = publisher
        self._receipts = receipts
        self._standings: dict[str, Standing] = {}

    async def open(self) -> None:
        """Fence the former owner, *then* read what it has reported. Raises Retryable."""
        try:
            await self._publisher.start()
            async for record in self._receipts():
                self._note(record)
        except BaseException:
            await self._publisher.stop()
            raise

    def standing(self, reply_id: str) -> Standing | None:
        """What the last receipt of a reply says."""
        return self._standings.get(reply_id)

    async def commit(self, reports: Sequence[Report]) -> None:
        """Publish all or none. Raises Fenced when another owns the partition, Retryable when it is not known."""
        await self._publisher.publish([receipt_record(receipt, self._partition, trace) for receipt, trace in reports])
        for receipt, _ in reports:
            self._set(receipt)

    async def close(self) -> None:
        """Let go."""
        await self._publisher.stop()

    def _note(self, record: Received) -> None:
        if record.value is None:
            return
        try:
            receipt = Receipt.from_json(record.value)
        except ValidationError:
            return  # not ours: what we write is valid
        if receipt.connector == self._connector:
            self._set(receipt)

    def _set(self, receipt: Receipt) -> None:
        self._standings.pop(receipt.reply_id, None)  # the latest stand last, so that the oldest can go
        self._standings[receipt.reply_id] = Standing(receipt.attempt, receipt.state)
        if len(self._standings) > _REMEMBERED:
            for old in list(islice(self._standings, _REMEMBERED // 10)):
                del self._standings[old]


def kafka_lane(kafka: KafkaSettings, connector: str, partition: int) -> Lane:
    """A lane on Kafka, not open yet; its transactional id is `send.<connector>.<partition>`."""
    return Lane(
        connector,
        partition,
        KafkaTransactions(kafka, f"send.{connector}.{partition}"),
        lambda: read_to_end(kafka, [RECEIPTS], partitions={partition}),
    )
