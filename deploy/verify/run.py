"""One pass over all invariants, and waiting until they hold."""

import asyncio
import time
from collections.abc import Sequence
from pathlib import Path

from aiokafka.admin import AIOKafkaAdminClient
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import create_async_engine

from bus.blobs import open_blobs
from bus.errors import ConfigError, Retryable
from bus.message import CHANNELS
from bus.progress import database_error
from bus.settings import Settings
from deploy.verify import accounting, blobs, confirmations, ledger, versions
from deploy.verify.check import Check, Verdict, check
from deploy.verify.lag import lag
from deploy.verify.world import World, look
from metrics_worker.verify import differences


async def verify(settings: Settings, *, ledger_file: Path | None = None, wait: float = 30.0) -> Verdict:
    """Pass after pass until all holds or `wait` seconds are over; the last verdict. Raises ConfigError, Retryable."""
    entries = ledger.read_ledger(ledger_file) if ledger_file else []
    deadline = time.monotonic() + wait
    while True:
        verdict = await _pass(settings, entries)
        if verdict.ok or time.monotonic() >= deadline:
            return verdict
        await asyncio.sleep(min(1.0, max(0.1, deadline - time.monotonic())))


async def _pass(settings: Settings, entries: Sequence[ledger.Entry]) -> Verdict:
    if settings.database.url is None:
        raise ConfigError("no database is given: start `deskstream up`, or use --database")
    engine = create_async_engine(settings.database.url.get_secret_value())
    channels = await _channels(settings)
    try:
        async with engine.connect() as connection:
            await connection.execution_options(isolation_level="REPEATABLE READ")
            checks = await lag(settings.kafka, connection, channels)
            await connection.rollback()
            world = await look(settings.kafka, connection, channels)
    except DBAPIError as error:
        raise database_error(error) from error
    finally:
        await engine.dispose()
    found, counts = of_world(world, entries)
    whole, referenced = await blobs.blobs(world, open_blobs(settings.blob_place))
    checks += [*found, whole, await _figures(settings)]
    return Verdict(checks, counts | _counts(world) | {"blobs": referenced})


def of_world(world: World, entries: Sequence[ledger.Entry] = ()) -> tuple[list[Check], dict[str, int]]:
    """The checks that need nothing but what was read, with `entries` of a ledger; and what raw records became."""
    settled, counts = accounting.accounting(world)
    checks = [
        settled,
        accounting.letters(world),
        versions.gapless(world),
        versions.topic_equals_table(world),
        versions.states(world),
        confirmations.confirmed_once(world),
        confirmations.nobody_flooded(world),
        confirmations.delivered_once(world),
        *(ledger.compare(world, entries) if entries else ()),
    ]
    return checks, counts


async def _channels(settings: Settings) -> list[str]:
    """The channels whose topics exist."""
    admin = AIOKafkaAdminClient(**settings.kafka.client_options())
    try:
        await admin.start()
        existing = set(await admin.list_topics())
    except OSError as error:
        raise Retryable(f"Kafka: {error}") from error
    finally:
        await admin.close()
    return [channel for channel in CHANNELS if f"raw.{channel}" in existing]


async def _figures(settings: Settings) -> Check:
    return check("figures equal their recomputation", (str(one) for one in await differences(settings)))


def _counts(world: World) -> dict[str, int]:
    types = [row.type for row in world.rows["ticket_events"]]
    tickets = world.rows["tickets"]
    return {
        "tickets": sum(1 for ticket in tickets if ticket.root_id == ticket.id),
        "merged": sum(1 for ticket in tickets if ticket.root_id != ticket.id),
        "messages": len(world.rows["messages"]),
        "events": len(world.ticket_events),
        "confirmations": types.count("ticket.confirmed"),
        "suppressed": types.count("ticket.confirmation_suppressed"),
        "sent": sum(1 for row in world.rows["replies"] if row.state == "sent"),
        "contacts": len({ticket.contact_id for ticket in tickets}),
    }
