"""From the `250` to a visible ticket and to its published event, at a steady rate."""

import asyncio
import statistics
import threading
import time
from collections.abc import Sequence

from aiokafka import AIOKafkaConsumer
from pydantic_core import from_json

from bus.kafka_settings import KafkaSettings
from bus.source import consumer_options
from bus.topics import TICKET_EVENTS
from tests.e2e.running import Up
from tests.mails.client import Sent, send_all
from tests.mails.generator import GeneratedMail
from ticketing.outbox import CHANNEL


def measure(up: Up, mails: Sequence[GeneratedMail], rate: float) -> dict[str, float]:
    """Milliseconds, p50 and p99; a ticket is visible when its row can be read by another connection."""
    visible: dict[str, float] = {}
    published: dict[str, float] = {}
    stop = threading.Event()
    watchers = [
        threading.Thread(target=_watch_table, args=(up, visible, stop), daemon=True),
        threading.Thread(target=lambda: asyncio.run(_watch_topic(up, published, stop)), daemon=True),
    ]
    for watcher in watchers:
        watcher.start()
    time.sleep(2.0)
    wanted = [mail for mail in mails if mail.kind in ("new", "reply")]
    sent = send_all(up.smtp, wanted, sessions=8, per_session=100, rate=rate)
    time.sleep(2.0)
    stop.set()
    for watcher in watchers:
        watcher.join(10)
    return _figures("visible", sent, visible) | _figures("published", sent, published)


def _figures(name: str, sent: Sequence[Sent], seen: dict[str, float]) -> dict[str, float]:
    delays = sorted(max(0.0, seen[key] - one.at) * 1_000 for one in sent if (key := _message_id(one.mail)) in seen)
    assert len(delays) > 0.98 * len(sent), f"{name}: only {len(delays)} of {len(sent)} were seen"
    return {f"{name}_p50_ms": statistics.median(delays), f"{name}_p99_ms": delays[int(len(delays) * 0.99)]}


def _message_id(mail: GeneratedMail) -> str:
    return mail.data.partition(b"Message-ID: <")[2].partition(b">")[0].decode()


def _watch_table(up: Up, visible: dict[str, float], stop: threading.Event) -> None:
    """Events are committed with the ticket they tell of, under ids in the order of commits; a commit tells so.

    Asking again and again instead would take the time that is measured away from those who are measured.
    """
    with up.database() as database:
        database.execute(f"LISTEN {CHANNEL}")
        last: int = database.execute("SELECT coalesce(max(id), 0) FROM desk.ticket_events").fetchone()[0]  # type: ignore[index]  # there is one row
        while not stop.is_set():
            for _ in database.notifies(timeout=0.1, stop_after=1):
                pass
            rows = database.execute(
                "SELECT id, type, document::jsonb #>> '{data,source_id}' FROM desk.ticket_events "
                "WHERE id > %s ORDER BY id",
                (last,),
            ).fetchall()
            now = time.time()
            for id_, type_, source_id in rows:
                last = id_
                if type_ == "ticket.message_received":
                    visible.setdefault(source_id, now)


async def _watch_topic(up: Up, published: dict[str, float], stop: threading.Event) -> None:
    kafka = KafkaSettings(servers=up.endpoints()["kafka"])
    options = consumer_options(kafka, None, own_progress=False) | {"auto_offset_reset": "latest"}
    consumer = AIOKafkaConsumer(TICKET_EVENTS, **options)
    await consumer.start()
    try:
        while not stop.is_set():
            for records in (await consumer.getmany(timeout_ms=50)).values():
                now = time.time()
                for record in records:
                    event = from_json(record.value)
                    if event["type"] == "ticket.message_received":
                        published.setdefault(event["data"]["source_id"], now)
    finally:
        await consumer.stop()
