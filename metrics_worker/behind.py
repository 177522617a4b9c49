"""How far the numbers are behind: the desk's clock, and the worker. Shown beside them."""

from datetime import datetime

import sqlalchemy as sa
from pydantic import BaseModel, ConfigDict
from sqlalchemy.ext.asyncio import AsyncConnection

from metrics_worker.event import time_of

_LOOKED = sa.text("""
    INSERT INTO metrics.worker AS w (one, looked_at, unread) VALUES (true, :at, :unread)
    ON CONFLICT (one) DO UPDATE SET looked_at = excluded.looked_at, unread = excluded.unread
""")
_BEHIND = sa.text("""
    SELECT (SELECT min(next_due) FROM metrics.clocks) AS due, w.looked_at, w.unread
    FROM (VALUES (1)) AS one LEFT JOIN metrics.worker AS w ON w.one
""")


class Behind(BaseModel):
    """How late numbers are.

    `clock`: seconds since the first due time passed that the desk's clock has not told of; 0: none has.
    `unread`: events that the worker had not read when it last looked, `looked` seconds ago; it looks every second, so
    that a greater `looked` says that none is active. None: none ever was.
    """

    model_config = ConfigDict(frozen=True)

    clock: float
    unread: int | None
    looked: float | None


async def behind(connection: AsyncConnection, now: datetime) -> Behind:
    """How late the numbers are that `connection` reads."""
    due, looked_at, unread = (await connection.execute(_BEHIND)).one()
    return Behind(
        clock=0.0 if due is None else max(0.0, (now - time_of(due)).total_seconds()),
        unread=unread,
        looked=None if looked_at is None else max(0.0, (now - looked_at).total_seconds()),
    )


async def looked(connection: AsyncConnection, now: datetime, unread: int) -> None:
    """The active worker says how many events it has not read."""
    await connection.execute(_LOOKED, {"at": now, "unread": unread})
