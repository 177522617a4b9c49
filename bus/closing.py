"""Ending aiokafka's clients for good, so that nothing of them goes on in the background.

Their own `stop` waits without bound while Kafka is away, and leaves tasks behind when it is cancelled: a sender that
delivers old records after newer ones, or heartbeats that keep partitions for a member that reads nothing. What they
call their tasks is private to them; it is named here and nowhere else, and tests hold it against the real objects.
"""

import asyncio
from collections.abc import Awaitable, Iterable
from typing import Any

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from aiokafka.errors import KafkaError

from bus.errors import Retryable

_PATIENCE = 1.0
_LEAVE_PATIENCE = 2.0


def kafka_error(error: BaseException) -> Retryable:
    """What a failure of the client means here, in one line."""
    lines = str(error).splitlines()
    name = type(error).__name__
    if not lines:
        return Retryable(f"Kafka: {name}")
    return Retryable(f"Kafka: {lines[0][:300]}" if lines[0].startswith(name) else f"Kafka: {name}: {lines[0][:300]}")


async def end_producer(producer: AIOKafkaProducer) -> None:
    """Close without delivering what still waits inside: it must not reach Kafka after what is sent next."""
    producer._closed = True  # noqa: SLF001  # else the object complains when it is collected
    sender = producer._sender.sender_task  # noqa: SLF001
    tasks = [] if sender is None else [sender]
    for _ in range(2):  # the first ends the drawing of batches, the second the request in flight
        for task in tasks:
            task.cancel()
        await asyncio.sleep(0)
    await _bounded(producer.client.close(), _PATIENCE)
    await _ended(tasks, _PATIENCE)


async def end_consumer(consumer: AIOKafkaConsumer) -> None:
    """Leave the group and close; what has not ended in time is ended all the same."""
    await _bounded(consumer.stop(), _LEAVE_PATIENCE)
    coordinator, fetcher = consumer._coordinator, consumer._fetcher  # noqa: SLF001
    names = ("_coordination_task", "_heartbeat_task", "_commit_refresh_task", "_reset_committed_task")
    tasks = [getattr(coordinator, name, None) for name in names] + [getattr(fetcher, "_fetch_task", None)]
    tasks += getattr(fetcher, "_pending_tasks", ())
    await _ended([task for task in tasks if task is not None], _PATIENCE)
    await _bounded(consumer._client.close(), _PATIENCE)  # noqa: SLF001


async def _bounded(work: Awaitable[Any], patience: float) -> None:
    task = asyncio.ensure_future(work)
    try:
        await asyncio.wait({task}, timeout=patience)
    finally:
        task.cancel()
    await _ended([task], patience)


async def _ended(tasks: "Iterable[asyncio.Future[Any]]", patience: float) -> None:
    left = set(tasks)
    for task in left:
        task.cancel()
    if left:
        done, _ = await asyncio.wait(left, timeout=patience)
        for task in done:
            if not task.cancelled():
                task.exception()


KAFKA_ERRORS = (KafkaError, OSError, TimeoutError)
"""What aiokafka raises when Kafka is away, refuses, or is slow."""
