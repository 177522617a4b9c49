"""Everything has come to its end: no reader behind its topic, no outbox row unpublished."""

from collections.abc import Mapping, Sequence
from typing import Any

import sqlalchemy as sa
from aiokafka import AIOKafkaConsumer, TopicPartition
from sqlalchemy.ext.asyncio import AsyncConnection

from bus.connector import RelayCursor
from bus.kafka_settings import KafkaSettings
from bus.latest import latest_by_key
from bus.source import consumer_options
from bus.topics import RELAY_CURSOR
from deploy.verify.check import Check, check


async def lag(kafka: KafkaSettings, connection: AsyncConnection, channels: Sequence[str]) -> list[Check]:
    """Readers whose progress the database keeps, the understanding parts' groups, and the relay."""
    behind = await _behind(kafka, connection, [f"messages.{channel}" for channel in channels])
    last = (await connection.execute(sa.text(_LAST_ROW))).scalar_one() or 0
    cursor = (await latest_by_key(kafka, RELAY_CURSOR)).get("relay")
    published = RelayCursor.from_json(cursor.value or b"{}").outbox_id if cursor else 0
    unpublished = [f"the relay stands at {published}, the outbox ends at {last}"] if published < last else []
    return [check("no reader lags", behind), check("the outbox is published", unpublished)]


_LAST_ROW = (
    "SELECT max(id) FROM (SELECT max(id) AS id FROM desk.ticket_events UNION ALL "
    "SELECT max(id) FROM desk.contact_events UNION ALL SELECT max(id) FROM desk.outgoing) AS ends"
)
_PROGRESS = (
    'SELECT "group", topic, partition, next_offset FROM desk.progress UNION ALL '
    'SELECT "group", topic, partition, next_offset FROM metrics.progress'
)


async def _behind(kafka: KafkaSettings, connection: AsyncConnection, filed: Sequence[str]) -> list[str]:
    rows = (await connection.execute(sa.text(_PROGRESS))).all()
    consumer = AIOKafkaConsumer(**consumer_options(kafka, None, own_progress=False))
    await consumer.start()
    try:
        read: dict[TopicPartition, Any] = {TopicPartition(row.topic, row.partition): row for row in rows}
        # `consumer.topics()` asks for the same and keeps only the names
        cluster = await consumer._client.fetch_all_metadata()  # noqa: SLF001
        for topic in filed:
            for partition in cluster.partitions_for_topic(topic) or ():
                read.setdefault(TopicPartition(topic, partition), None)
        begins = await consumer.beginning_offsets(list(read)) if read else {}
        ends = await consumer.end_offsets(list(read)) if read else {}
        stands = {tp: row.next_offset if row else None for tp, row in read.items()}
        left = {tp: begins[tp] if at is None else at for tp, at in stands.items()}
        behind = await _with_records(consumer, {tp: at for tp, at in left.items() if at < ends[tp]}, ends)
        return [
            _sentence(tp, read[tp].group if read[tp] else "deskstream.ticketing", stands[tp], ends[tp])
            for tp in sorted(behind)
        ]
    finally:
        await consumer.stop()


def _sentence(tp: TopicPartition, group: str, offset: int | None, end: int) -> str:
    return f"{group}: {tp.topic}/{tp.partition} stands at {offset}, the topic ends at {end}"


async def _with_records(
    consumer: AIOKafkaConsumer, starts: Mapping[TopicPartition, int], ends: Mapping[TopicPartition, int]
) -> set[TopicPartition]:
    """Where records are left to read; behind the last one there may be transaction markers only."""
    consumer.assign(list(starts))
    for tp, offset in starts.items():
        consumer.seek(tp, offset)
    found: set[TopicPartition] = set()
    left = set(starts)
    while left:
        found |= (await consumer.getmany(*left, timeout_ms=300)).keys()
        left = {tp for tp in left - found if await consumer.position(tp) < ends[tp]}
    return found
