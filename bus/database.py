"""The way to PostgreSQL: its address, and an engine whose sessions hold nobody up."""

from collections.abc import Mapping
from typing import Any

import psycopg
import sqlalchemy as sa
from psycopg.abc import Dumper
from psycopg.adapt import AdaptersMap
from sqlalchemy.exc import ArgumentError
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

from bus.errors import ConfigError
from bus.settings import Settings

BY_FEW_KEYS = (
    # compiling plans never pays here, and a planner that has no statistics yet would rather read whole tables
    "-c jit=off -c enable_seqscan=off -c enable_hashjoin=off -c enable_mergejoin=off"
)
"""Options of a session whose queries go by one key or a few each time, so that one plan serves them all."""
BY_KEYS = f"{BY_FEW_KEYS} -c plan_cache_mode=force_custom_plan"
"""The same for batches: a plan made for one batch's arrays does not fit the next one's."""


def database_url(settings: Settings) -> str:
    """The configured URL with our driver in it. Raises ConfigError, which does not show the URL."""
    if settings.database.url is None:
        raise ConfigError("no database is configured: give --database or set [database] url")
    try:
        url = sa.make_url(settings.database.url.get_secret_value())
    except ArgumentError:
        url = None
    if url is None or url.drivername not in ("postgresql", "postgres", "postgresql+psycopg"):
        raise ConfigError("[database] url is no PostgreSQL address; it looks like postgresql://user@host/name")
    return url.set(drivername="postgresql+psycopg").render_as_string(hide_password=False)


class _Adaptation:
    """What psycopg takes as a context: the adapters, and no connection yet."""

    connection = None

    def __init__(self, dumpers: Mapping[type, type[Dumper]]) -> None:
        self.adapters = AdaptersMap(psycopg.adapters)
        for adapted, dumper in dumpers.items():
            self.adapters.register_dumper(adapted, dumper)


def working_engine(
    url: str,
    application: str,
    *,
    pool: int = 5,
    dumpers: Mapping[type, type[Dumper]] | None = None,
    options: str = BY_KEYS,
    alone: bool = False,
) -> AsyncEngine:
    """At most `pool` connections, called `application` on the server; nothing is opened before it is used.

    A transaction that stands still is ended by the server, so that a frozen process gives its locks back
    (reliability, Frozen leaders). `dumpers`: how values of these types travel, where psycopg's way is too slow.
    `options`: of its sessions. `alone`: every statement is a transaction of its own.
    """
    by_itself: dict[str, Any] = {"isolation_level": "AUTOCOMMIT", "skip_autocommit_rollback": True} if alone else {}
    return create_async_engine(
        url,
        pool_size=pool,
        max_overflow=0,
        **by_itself,
        pool_timeout=20,
        pool_use_lifo=True,
        connect_args={
            "context": _Adaptation(dumpers or {}),
            "connect_timeout": 5,
            "client_encoding": "utf8",
            "prepare_threshold": 2,
            "application_name": application,
            "options": f"-c idle_in_transaction_session_timeout=10s -c timezone=UTC {options}",
        },
    )
