"""`doctor`: is everything there that the services need, and do they serve?"""

import asyncio
import time
from collections.abc import Sequence
from dataclasses import dataclass
from urllib.error import URLError
from urllib.request import urlopen

import sqlalchemy as sa
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import KafkaError
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import create_async_engine

from bus.blobs import open_blobs
from bus.errors import ConfigError, Invalid, Retryable
from bus.options import Options
from bus.settings import Settings
from bus.topics import SHARED, topics
from ingest.table import configured


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing looked at, and what is wrong with it, with what to do."""

    name: str
    problem: str | None = None


async def examine(options: Options, *, wait: float) -> list[Finding]:
    """Look until all is ready or `wait` seconds are over. Raises ConfigError."""
    deadline = time.monotonic() + wait
    while True:
        found = await _look(options)
        if all(one.problem is None for one in found) or time.monotonic() >= deadline:
            return found
        await asyncio.sleep(0.5)


async def _look(options: Options) -> list[Finding]:
    settings = options.settings()
    connectors = configured(settings)
    channels = sorted({connector.channel for connector, _ in connectors.values()})
    found = [Finding("configuration")]
    found += await _kafka(settings, channels)
    found.append(await _database(settings))
    found.append(await _blobs(settings))
    up = options.endpoints()
    if up and not up.ready:
        found.append(Finding("up", f"not every service serves; {options.data / 'logs'} tells why"))
    for process in up.processes if up else ():
        if process.ops:
            found.append(Finding(f"service {process.name}", await asyncio.to_thread(_ready, process.ops)))
    return found


async def _kafka(settings: Settings, channels: Sequence[str]) -> list[Finding]:
    admin = AIOKafkaAdminClient(**settings.kafka.client_options())
    try:
        await admin.start()
        existing = set(await admin.list_topics())
    except (KafkaError, OSError) as error:
        return [Finding("kafka", f"{settings.kafka.servers} does not answer ({type(error).__name__})")]
    finally:
        await admin.close()
    wanted = {topic.name for topic in (*SHARED, *topics(channels))}
    missing = sorted(wanted - existing)
    problem = f"missing: {', '.join(missing)}; run `deskstream topics create`" if missing else None
    return [Finding("kafka"), Finding("topics", problem)]


async def _database(settings: Settings) -> Finding:
    if settings.database.url is None:
        return Finding("database", "none is given: start `deskstream up`, or use --database")
    try:
        engine = create_async_engine(settings.database.url.get_secret_value())
    except SQLAlchemyError:
        raise ConfigError("[database] url: this is no postgresql+psycopg:// URL") from None
    try:
        async with engine.connect() as connection:
            tables = await connection.execute(
                sa.text(
                    "SELECT to_regclass('desk.tickets') IS NOT NULL AND to_regclass('metrics.progress') IS NOT NULL"
                )
            )
            return Finding("database", None if tables.scalar_one() else "has no tables; run `deskstream db upgrade`")
    except SQLAlchemyError as error:
        return Finding("database", f"does not answer ({type(error).__name__})")
    finally:
        await engine.dispose()


async def _blobs(settings: Settings) -> Finding:
    try:
        store = open_blobs(settings.blob_place)
        name = await store.put(b"deskstream doctor")
        await store.get(name)
    except (Retryable, Invalid) as error:
        return Finding("blob store", str(error))
    return Finding("blob store")


def _ready(ops: str) -> str | None:
    try:
        with urlopen(f"{ops}/readyz", timeout=3) as answer:  # noqa: S310  # our own http address
            return None if answer.status == 200 else f"answers {answer.status}"
    except (URLError, OSError) as error:
        return f"is not ready ({error})"
