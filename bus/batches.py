"""Which partition a record goes to, and handing records over in as few batches as they fit in.

aiokafka costs per future and per request; a batch of ours costs one future for all records of one partition.
"""

import asyncio
from collections.abc import Iterable, Sequence
from typing import Any

from aiokafka import AIOKafkaProducer
from aiokafka.errors import MessageSizeTooLargeError

from bus.errors import Invalid, Retryable
from bus.partition_hash import partition_of
from bus.record import Outgoing, Partition
from bus.topics import MAX_RECORD_BYTES

_OVERHEAD = 16 * 1024
"""Left for the batch's own header and for lengths."""
_ASKED = 4
"""How often Kafka is asked for a topic that it does not know: one just made is not known at once."""

Row = tuple[int, int, Outgoing]
"""A record with the number of its call and its place there."""


def check_sizes(records: Sequence[Outgoing]) -> None:
    """Raise Invalid for a record that no topic takes."""
    for record in records:
        size = len(record.value or b"") + len((record.key or "").encode())
        size += sum(len(name.encode()) + len(value) + 8 for name, value in record.headers)
        if size > MAX_RECORD_BYTES - _OVERHEAD:
            raise Invalid(f"a record of {size} bytes is too large for {record.topic}")


async def partition_counts(producer: AIOKafkaProducer, topics: Iterable[str]) -> dict[str, int]:
    """How many partitions each topic has; what Kafka does not have is missing from the answer."""
    wanted = set(topics)
    cluster = producer.client.cluster
    found = {topic: len(known) for topic in wanted if (known := cluster.partitions_for_topic(topic))}
    for again in range(_ASKED):
        missing = wanted - found.keys()
        if not missing:
            break
        if again:
            await asyncio.sleep(0.1)
        # a few questions: aiokafka would ask for as long as a request may take, with every other record behind it
        there = (await producer.client.fetch_all_metadata()).topics()
        for topic in missing & there:
            found[topic] = len(await producer.partitions_for(topic))
    return found


def placed(record: Outgoing, counts: dict[str, int]) -> Partition:
    """Where a record goes: where it says, or where its key belongs. Raises Retryable or Invalid."""
    count = counts.get(record.topic)
    if count is None:
        raise Retryable(f"Kafka has no topic {record.topic}; run `deskstream topics create`")
    if record.partition is None:
        return Partition(record.topic, partition_of(record.key or "", count))
    if not 0 <= record.partition < count:
        raise Invalid(f"{record.topic} has no partition {record.partition}")
    return Partition(record.topic, record.partition)


async def send_batches(
    producer: AIOKafkaProducer, where: Partition, rows: Sequence[Row]
) -> list[tuple[list[Row], asyncio.Future[Any]]]:
    """Hand all records of one partition over, in order; a future for each batch."""
    sent: list[tuple[list[Row], asyncio.Future[Any]]] = []
    batch, held = producer.create_batch(), list[Row]()

    async def send() -> None:
        batch.close()
        future = await producer.send_batch(batch, where.topic, partition=where.partition)
        future.add_done_callback(_seen)
        sent.append((held, future))

    for row in rows:
        record = row[2]
        key = None if record.key is None else record.key.encode()
        headers = list(record.headers)
        if batch.append(timestamp=None, key=key, value=record.value, headers=headers) is None:
            await send()
            batch, held = producer.create_batch(), list[Row]()
            if batch.append(timestamp=None, key=key, value=record.value, headers=headers) is None:
                raise MessageSizeTooLargeError(f"a record for {where.topic} is too large")
        held.append(row)
    await send()
    return sent


def _seen(future: asyncio.Future[Any]) -> None:
    """Nobody may be left who asks for the outcome of a batch; asyncio would complain."""
    if not future.cancelled():
        future.exception()
