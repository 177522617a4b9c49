"""`deskstream api`: serves the agents' API and follows the outbox for the search; needs PostgreSQL and the blobs."""

import asyncio
import contextlib
from collections.abc import Callable, Sequence
from datetime import UTC, datetime

import sqlalchemy as sa
import structlog
from fastapi import APIRouter
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.ext.asyncio import AsyncEngine

from bus.blobs import open_blobs
from bus.database import database_url
from bus.health import Health
from bus.ops import serving
from bus.progress import database_error
from bus.service import Announce, Work
from bus.settings import Settings
from ticketing.acts.desk import desk_of
from ticketing.api.app import api
from ticketing.api.inside import Inside
from ticketing.api.once import Once
from ticketing.database import acting_engine, looking_engine
from ticketing.database import engine as engine_of
from ticketing.search.index import SearchIndex

log = structlog.get_logger()

More = Callable[[Inside, asyncio.Event], Sequence[APIRouter]]
"""Routers of other packages, given what they may ask of this one, and what tells them to end what streams."""

_TABLES = sa.text("SELECT to_regclass('desk.api_answers') IS NOT NULL")
_PAUSE, _HOUR = 5.0, 3600.0


def work(settings: Settings, *, host: str | None = None, port: int | None = None, more: More | None = None) -> Work:
    """The API's work. `host`, `port`: in place of the configured ones; port 0 takes a free one.

    Raises ConfigError for a setting that cannot be used.
    """
    url, blobs, desk = database_url(settings), open_blobs(settings.blob_place), desk_of(settings)
    host = settings.api.host if host is None else host
    port = settings.api.port if port is None else port

    async def run(stop: asyncio.Event, health: Health, announce: Announce) -> None:
        health.set("database", "starting")
        acting, answering = acting_engine(url, pool=8), acting_engine(url, pool=8)
        reading, following = looking_engine(url, pool=8), engine_of(url, pool=1)
        engines = acting, answering, reading, following
        inside = Inside(acting, reading, blobs, desk, Once(answering))
        index = SearchIndex(following, blobs)
        application = api(inside, () if more is None else more(inside, stop))
        parts: list[asyncio.Task[None]] = []
        try:
            async with serving(application, host, port) as found:
                announce(api=f"http://{host}:{found}")
                parts = [
                    asyncio.create_task(index.run(), name="search"),
                    asyncio.create_task(_watch(reading, health), name="watch"),
                    asyncio.create_task(_forget(inside.once), name="forget"),
                ]
                stopping = asyncio.create_task(stop.wait())
                await asyncio.wait([*parts, stopping], return_when=asyncio.FIRST_COMPLETED)
                for part in parts:
                    if part.done():
                        part.result()
        finally:
            for part in parts:
                part.cancel()
            await asyncio.gather(*parts, return_exceptions=True)
            for engine in engines:
                await engine.dispose()

    return run


async def _watch(engine: AsyncEngine, health: Health) -> None:
    """Keep the health true until cancelled."""
    while True:
        try:
            async with engine.connect() as connection:
                there = await connection.scalar(_TABLES)
            health.set("database", None if there else "it has no tables of this desk; run `deskstream db upgrade`")
        except DBAPIError as error:
            health.set("database", str(database_error(error)))
        except PoolTimeout:
            health.set("database", "no connection is free")
        await asyncio.sleep(_PAUSE if health.ready else 0.5)


async def _forget(once: Once) -> None:
    """Let go of old answers now and then."""
    while True:
        with contextlib.suppress(DBAPIError, PoolTimeout):  # the next hour will do
            await once.forget(datetime.now(UTC))
        await asyncio.sleep(_HOUR)
