"""The brakes of confirmations in the database, read and written under the desk's lock."""

from collections import defaultdict
from collections.abc import Collection
from datetime import datetime, timedelta

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from bus.together import Executes, together
from ticketing import brakes_tables as t
from ticketing.brakes import REFUSALS, STRANGERS, Brakes, BrakesKnown, Bucket, Silence, Written, refused
from ticketing.rows import insert_rows, texts

_WRITTEN = sa.text("""
SELECT mailbox, created_at, document::json ->> 'subject' AS subject, words FROM desk.replies
 WHERE mailbox = ANY(CAST(:mailboxes AS text[])) AND purpose = 'confirmation' AND created_at > :since
 ORDER BY created_at
""")
_SILENCED = sa.text("SELECT * FROM desk.silenced WHERE mailbox = ANY(CAST(:mailboxes AS text[]))")
_BUCKETS = sa.text("SELECT name, level, at FROM desk.buckets WHERE name = ANY(CAST(:names AS text[]))")
_EMPTIED = sa.text("DELETE FROM desk.buckets WHERE at < :before AND name NOT IN ('refusals', 'strangers')")
_DAY = timedelta(days=1)


async def read(
    connection: AsyncConnection, mailboxes: Collection[str], sources: Collection[str], now: datetime
) -> BrakesKnown:
    """What concerns these mailboxes and sources, and the breaker."""
    values = {"mailboxes": texts(mailboxes)}
    names = texts([REFUSALS, STRANGERS, *sources, *map(refused, mailboxes)])
    lately, silences, levels = await together(
        connection,
        [(_WRITTEN, {**values, "since": now - _DAY}), (_SILENCED, values), (_BUCKETS, {"names": names})],
    )
    written: defaultdict[str, list[Written]] = defaultdict(list)
    for row in lately:
        written[row.mailbox].append(Written(row.created_at, row.subject or "", row.words))
    return BrakesKnown(
        written,
        {(row.account, row.mailbox): Silence(row.hops, row.since, row.until) for row in silences},
        {row.name: Bucket(row.level, row.at) for row in levels},
    )


async def write(connection: Executes, brakes: Brakes, now: datetime) -> None:
    """Store what has changed."""
    await insert_rows(
        connection,
        t.buckets,
        [{"name": name, "level": bucket.level, "at": bucket.at} for name, bucket in brakes.buckets.items()],
        suffix="ON CONFLICT (name) DO UPDATE SET level = excluded.level, at = excluded.at",
    )
    if brakes.buckets.keys() - {REFUSALS, STRANGERS}:
        await connection.execute(_EMPTIED, {"before": now - _DAY})
    await insert_rows(
        connection,
        t.silenced,
        [
            {"account": account, "mailbox": mailbox, "hops": pair.hops, "since": pair.since, "until": pair.until}
            for (account, mailbox), pair in brakes.silenced.items()
        ],
        suffix="ON CONFLICT (account, mailbox) DO UPDATE SET hops = excluded.hops, since = excluded.since, "
        "until = excluded.until",
    )
