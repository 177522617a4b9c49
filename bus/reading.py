"""Reading: what a consumer loop asks of the topics it reads."""

import asyncio
from collections.abc import Collection, Mapping, Sequence
from typing import Any, Protocol

from bus.kafka_settings import KafkaSettings
from bus.record import Partition, Received


class OffsetLost(Exception):
    """Retention has removed what was not read yet: an operator must decide, nothing may resume by itself."""


class Progress(Protocol):
    """Where a group keeps how far it has come, when Kafka's committed offsets are not the truth."""

    async def claim(self, partitions: Collection[Partition]) -> Mapping[Partition, int | None]:
        """Take the partitions from their former owner; next offset of each, None for the log's beginning."""
        ...

    async def skip(self, record: Received) -> None:
        """Move past a record that was parked. Raises Fenced when another owns the partition."""
        ...


class Source(Protocol):
    """The records of some topics, shared with the other members of a group.

    `poll` MUST return records of each partition in order, each once per owner, starting where progress (or the
    committed offset, else the beginning) says, and MUST return within seconds when there are none;
    after Retryable from `poll` the next call is `rejoin`;
    `settled` MUST be called when they have taken effect, and MUST NOT be fatal when the partition has moved meanwhile;
    while `busy` is held a partition MUST NOT be given away (for a bounded time);
    `rejoin` MUST claim anew; `stop` MUST end within seconds, whatever Kafka does.
    """

    busy: asyncio.Lock

    async def start(self) -> None: ...

    async def poll(self) -> Sequence[Received]: ...

    async def settled(self, batch: Sequence[Received]) -> None: ...

    async def rejoin(self) -> None: ...

    async def stop(self) -> None: ...


def consumer_options(kafka: KafkaSettings, group: str | None, *, own_progress: bool) -> dict[str, Any]:
    """What every consumer here is made with."""
    return kafka.client_options() | {
        "group_id": group,
        "enable_auto_commit": False,
        "auto_offset_reset": "none" if own_progress else "earliest",
        "isolation_level": "read_committed",
        "session_timeout_ms": round(kafka.session_timeout * 1_000),
        "heartbeat_interval_ms": round(min(3.0, kafka.session_timeout / 10) * 1_000),
        "rebalance_timeout_ms": 60_000,
        "max_poll_interval_ms": 300_000,
        "metadata_max_age_ms": 60_000,
        "check_crcs": False,
        "fetch_max_bytes": 16 * 1024 * 1024,
        "max_partition_fetch_bytes": 4 * 1024 * 1024,
    }


def received(record: Any) -> Received:  # noqa: ANN401  # aiokafka publishes no types
    """What aiokafka handed out, as our own."""
    return Received(
        record.topic,
        record.partition,
        record.offset,
        record.key.decode("utf-8", "replace") if record.key is not None else None,
        record.value,
        record.timestamp,
        dict(record.headers),
    )
