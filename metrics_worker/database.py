"""How the worker reaches its database."""

import psycopg
from psycopg.adapt import AdaptersMap
from psycopg.types.array import ListBinaryDumper
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine
from sqlalchemy.pool import NullPool

from bus.errors import ConfigError
from bus.settings import Settings


def database_url(settings: Settings) -> str:
    """The configured URL. Raises ConfigError when there is none, or none for PostgreSQL."""
    if settings.database.url is None:
        raise ConfigError("no database is configured: give --database or set [database] url")
    url = settings.database.url.get_secret_value()
    try:
        known = make_url(url).get_backend_name() == "postgresql"
    except ArgumentError:
        known = False
    if not known:
        raise ConfigError("[database] url is no PostgreSQL address; it looks like postgresql+psycopg://host/name")
    return url


class _Adaptation:
    """What psycopg takes as a context: its adapters, with arrays in binary form, whose text needs no escaping."""

    connection = None

    def __init__(self) -> None:
        self.adapters = AdaptersMap(psycopg.adapters)
        self.adapters.register_dumper(list, ListBinaryDumper)


def working_engine(url: str) -> AsyncEngine:
    """For the work: a transaction that stands still is ended, so that a frozen worker holds nothing up."""
    return create_async_engine(
        url,
        pool_size=4,
        connect_args={
            "context": _Adaptation(),
            "connect_timeout": 10,
            "options": "-c idle_in_transaction_session_timeout=10s "
            # a plan made for one batch's arrays does not fit the next one's; compiling plans never pays here
            "-c plan_cache_mode=force_custom_plan -c jit=off "
            # the work goes by keys; a planner that has no statistics yet would rather read whole tables
            "-c enable_seqscan=off -c enable_hashjoin=off -c enable_mergejoin=off",
        },
    )


def leader_engine(url: str, idle_seconds: int) -> AsyncEngine:
    """For the leader's lock: a session that is silent for so long is ended, and its lock with it."""
    return create_async_engine(
        url,
        poolclass=NullPool,
        isolation_level="AUTOCOMMIT",
        connect_args={"options": f"-c idle_session_timeout={idle_seconds}s", "connect_timeout": 10},
    )
