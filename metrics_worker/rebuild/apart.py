"""Folding a share of the partitions in a process of its own: an interpreter uses one processor.

The process ends with the one that started it. What it writes is fenced by the run's id (rebuild.shadow).
"""

import asyncio
import multiprocessing
import os
import signal
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from multiprocessing.connection import Connection

import psycopg
from sqlalchemy.exc import DBAPIError

from bus.calendars import Calendars
from bus.errors import Invalid, Retryable
from bus.kafka_settings import KafkaSettings
from bus.progress import database_error
from bus.record import Partition
from metrics_worker.database import engine as engine_of
from metrics_worker.reading_ranges import Ranges
from metrics_worker.rebuild.folding import Folded, Folding
from metrics_worker.rebuild.shadow import Shadow

_SPAWNED = multiprocessing.get_context("spawn")


@dataclass(frozen=True, slots=True)
class Orders:
    """What a process needs to know: where all is, whose run it is, and its share."""

    kafka: KafkaSettings
    database: str
    contacts_topic: str
    calendars: Calendars
    run: str
    ends: Mapping[Partition, int]


async def fold_apart(orders: Orders, report: Callable[[int], None]) -> Folded:
    """Fold the share. Raises Retryable when it could not be done; the process is gone in any case."""
    ours, theirs = _SPAWNED.Pipe(duplex=False)
    process = _SPAWNED.Process(target=_main, args=(orders, theirs), daemon=True, name="rebuild")
    process.start()
    theirs.close()
    try:
        while True:
            told = await asyncio.to_thread(_received, ours)
            if isinstance(told, Folded):
                return told
            if not isinstance(told, int):
                raise Retryable(told or "a process of the rebuild has died")
            report(told)
    finally:
        process.kill()
        await asyncio.to_thread(process.join)
        ours.close()


def _received(connection: Connection) -> Folded | int | str | None:
    """Events that were read, or what came out, or why nothing did; None when the other end has died."""
    try:
        told: Folded | int | str = connection.recv()
    except (EOFError, OSError):
        return None
    return told


def _main(orders: Orders, connection: Connection) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # whoever started it decides
    threading.Thread(target=_end_with_parent, daemon=True, name="lifeline").start()
    try:
        connection.send(asyncio.run(_fold(orders, connection.send)))
    except (Retryable, Invalid) as error:
        connection.send(str(error))


def _end_with_parent() -> None:
    parent = multiprocessing.parent_process()
    assert parent is not None
    parent.join()
    os._exit(1)


async def _fold(orders: Orders, report: Callable[[int], None]) -> Folded:
    engine = engine_of(orders.database)
    ranges = Ranges(orders.kafka, list(orders.ends))
    try:
        await ranges.start()
        shadow = Shadow(engine, orders.run)
        return await Folding(shadow, ranges, orders.contacts_topic, orders.calendars, report).run(orders.ends)
    except (DBAPIError, psycopg.Error) as error:
        raise database_error(error) from error
    finally:
        await ranges.stop()
        await engine.dispose()
