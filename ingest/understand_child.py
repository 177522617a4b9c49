"""The understanding child: an interpreter of its own, so that a record can bring down nothing else.

Run as `python -m ingest.understand_child` by ingest.understand_parent. It ends with its parent.
"""

import asyncio
import contextlib
import ctypes
import gc
import os
import resource
import signal
import sys
import threading
from collections.abc import Callable, Sequence

import structlog

from bus.blobs import open_blobs
from bus.errors import ConfigError, Retryable
from bus.logs import configure_logging
from bus.loop import consume
from bus.model import BlobRef
from bus.parking import BudgetSpent, Parking
from bus.publisher import KafkaPublisher, Publisher
from bus.reading import OffsetLost
from bus.record import Outgoing, Position
from bus.source import KafkaSource
from bus.topics import raw_topic
from ingest.one_record import read_record
from ingest.understand_note import Note
from ingest.understand_orders import BUDGET_SPENT, FAILED, MISCONFIGURED, Orders, understand_group
from ingest.understanding import Understanding, parsed
from normalize.table import NORMALIZERS

log = structlog.get_logger()

MEMORY = 1024 * 1024 * 1024
_PR_SET_PDEATHSIG = 1  # <linux/prctl.h>


def main() -> int:
    """Read the orders, bind this life to the parent's, work."""
    orders = Orders.model_validate_json(sys.stdin.buffer.readline())
    _end_with(orders.parent)
    os.nice(5)  # the door comes first; behind it larger batches form
    # private writable memory, the stack and the libraries' heaps included; mapped files do not count
    resource.setrlimit(resource.RLIMIT_DATA, (MEMORY, MEMORY))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    configure_logging(orders.logging, f"{orders.connector} understand")
    note = Note(orders.note)
    try:
        with asyncio.Runner(loop_factory=_loop_factory()) as runner:
            runner.run(_try_alone(orders, note) if orders.trial else _work(orders, note))
    except ConfigError as error:
        log.critical("understand.misconfigured", detail=str(error))
        return MISCONFIGURED
    except BudgetSpent as error:
        log.critical("understand.budget_spent", detail=str(error))
        return BUDGET_SPENT
    except (Retryable, OffsetLost, OSError) as error:
        log.critical("understand.failed", detail=str(error))
        return FAILED
    return 0


def _end_with(parent: int) -> None:
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)

    def wait_for_the_end() -> None:
        os.read(0, 1)  # the parent holds the other end for as long as it lives; sys.stdin would abort our own end
        os._exit(0)

    threading.Thread(target=wait_for_the_end, daemon=True, name="lifeline").start()
    if os.getppid() != parent:
        os._exit(0)


def _loop_factory() -> Callable[[], asyncio.AbstractEventLoop] | None:
    try:
        import uvloop
    except ImportError:
        return None
    return uvloop.new_event_loop


async def _work(orders: Orders, note: Note) -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for signum in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(signum, stop.set)
    publisher = KafkaPublisher(orders.kafka)
    source = KafkaSource(orders.kafka, [raw_topic(orders.channel)], understand_group(orders.connector))
    handler = Understanding(
        orders.connector,
        NORMALIZERS[orders.channel],
        open_blobs(orders.blobs),
        publisher,
        working_on=note.work_on,
        understood=lambda count: note.count(understood=count),
        skip=frozenset(orders.skip),
    )
    await publisher.start()
    beating = asyncio.create_task(_beat(note))
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 20, 20)
    try:
        parking = Parking(_Parked(publisher, note), "understand", connector=orders.connector)
        await consume(source, handler, parking, stop=stop)
    finally:
        beating.cancel()
        await publisher.stop()


class _Parked:
    """Publisher of dead letters that counts them in the note."""

    def __init__(self, publisher: Publisher, note: Note) -> None:
        self._publisher = publisher
        self._note = note

    async def publish(self, records: Sequence[Outgoing]) -> Sequence[Position]:
        positions = await self._publisher.publish(records)
        self._note.count(parked=len(records))
        return positions


async def _beat(note: Note) -> None:
    while True:
        note.alive()
        await asyncio.sleep(1.0)


async def _try_alone(orders: Orders, note: Note) -> None:
    """Normalize one record as the loop would. An exception is no death: the loop parks it by itself."""
    assert orders.trial is not None
    record = await read_record(orders.kafka, orders.trial)
    if record is None or record.value is None:
        return
    with contextlib.suppress(Exception):
        raw = parsed(record)
        payload = raw.payload
        data = await open_blobs(orders.blobs).get(payload.blob) if isinstance(payload, BlobRef) else payload.base64
        note.work_on(record.position)
        NORMALIZERS[orders.channel](raw, data)
    note.work_on(None)


if __name__ == "__main__":
    sys.exit(main())
