"""Whether what ticketing needs is there: at the start, and as its health afterwards."""

import asyncio
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any

import sqlalchemy as sa
import structlog
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import KafkaError
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.ext.asyncio import AsyncEngine

from bus.errors import ConfigError, Retryable
from bus.health import Health
from bus.kafka_settings import KafkaSettings
from bus.message import CHANNELS
from bus.progress import database_error
from bus.source import KafkaSource
from bus.topics import messages_topic

log = structlog.get_logger()

_PAUSE = 5.0
_FIRST_PAUSE = 0.5

_TABLES = sa.text("SELECT to_regclass('desk.outgoing') IS NOT NULL")
_FOREIGN = sa.text("SELECT cluster_id FROM desk.progress WHERE cluster_id <> :cluster LIMIT 1")


class KafkaCluster:
    """The Kafka that is configured: its id, and which topics of messages it has."""

    def __init__(self, kafka: KafkaSettings) -> None:
        self._kafka = kafka
        self._admin: AIOKafkaAdminClient | None = None

    async def cluster_id(self) -> str:
        """Raises Retryable when Kafka is not there."""
        return str((await self._ask(lambda admin: admin.describe_cluster()))["cluster_id"])

    async def message_topics(self, prefix: str) -> list[str]:
        """The topics of messages that exist under a prefix. Raises Retryable."""
        existing = set(await self._ask(lambda admin: admin.list_topics()))
        found = [topic for channel in CHANNELS if (topic := prefix + messages_topic(channel)) in existing]
        if not found:
            raise Retryable("Kafka has no topic messages.<channel>; run `deskstream topics create`")
        return found

    async def _ask(self, question: Callable[[AIOKafkaAdminClient], Awaitable[Any]]) -> Any:  # noqa: ANN401  # aiokafka publishes no types
        try:
            async with asyncio.timeout(10):
                if self._admin is None:
                    self._admin = AIOKafkaAdminClient(**self._kafka.client_options())
                    await self._admin.start()
                return await question(self._admin)
        except (KafkaError, OSError, TimeoutError) as error:
            await self.close()
            raise Retryable(f"Kafka: {type(error).__name__}") from error

    async def close(self) -> None:
        """Close the connection."""
        admin, self._admin = self._admin, None
        if admin is not None:
            await admin.close()


async def check_database(engine: AsyncEngine, cluster: str) -> None:
    """Raises Retryable when the database is not there, ConfigError when it is not ours to work with as it is."""
    try:
        async with engine.connect() as connection:
            if not await connection.scalar(_TABLES):
                raise ConfigError("the database has no tables of this desk; run `deskstream db upgrade`")
            if other := await connection.scalar(_FOREIGN, {"cluster": cluster}):
                raise ConfigError(
                    f"this database has read another Kafka cluster ({other}, now {cluster}); "
                    "if the new one replaces it, run `deskstream db adopt-cluster`"
                )
    except DBAPIError as error:
        raise database_error(error) from error
    except PoolTimeout as error:
        raise Retryable("the database: no connection is free") from error


async def ready(kafka: KafkaCluster, engine: AsyncEngine, health: Health, prefix: str) -> tuple[str, list[str]]:
    """Wait until both are there; the cluster's id and the topics of messages. Raises ConfigError."""
    pause = _FIRST_PAUSE
    while True:
        try:
            cluster = await kafka.cluster_id()
            topics = await kafka.message_topics(prefix)
            health.set("kafka")
            await check_database(engine, cluster)
            health.set("database")
        except Retryable as error:
            problem = str(error)
            health.set("kafka" if problem.startswith("Kafka") else "database", problem)
            log.warning("ticketing.waits", detail=problem)
        else:
            return cluster, topics
        await asyncio.sleep(pause)
        pause = min(pause * 2, _PAUSE)


async def watch(kafka: KafkaCluster, engine: AsyncEngine, filer: KafkaSource, health: Health, cluster: str) -> None:
    """Keep the health true until cancelled."""
    while True:
        health.set("filer", None if filer.assignment else "no partition of messages.* is assigned yet")
        probes: dict[str, Callable[[], Awaitable[object]]] = {
            "kafka": kafka.cluster_id,
            "database": partial(check_database, engine, cluster),
        }
        for name, probe in probes.items():
            try:
                await probe()
            except (Retryable, ConfigError) as error:
                health.set(name, str(error))
            else:
                health.set(name)
        await asyncio.sleep(_PAUSE if filer.assignment else _FIRST_PAUSE)
