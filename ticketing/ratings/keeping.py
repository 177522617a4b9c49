"""What customers said, in the database."""

from collections.abc import Collection, Iterable
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncConnection

from ticketing.ratings.in_chat import Answered, RatedInChat
from ticketing.ratings.tables import ratings
from ticketing.rows import texts

_ANSWERED = sa.text("""
SELECT DISTINCT ON (t.root_id) t.root_id, a.agent_id, coalesce(r.times, 0) AS times
  FROM desk.answers a JOIN desk.tickets t ON t.id = a.ticket_id
  LEFT JOIN desk.ratings r ON r.ticket_id = t.root_id AND r.reply_id = ''
 WHERE t.root_id = ANY(CAST(:ids AS text[]))
 ORDER BY t.root_id, a.created_at DESC, a.id
""")


async def answered(connection: AsyncConnection, ticket_ids: Collection[str]) -> dict[str, Answered]:
    """Of tickets that are not merged away, those that somebody has answered."""
    if not ticket_ids:
        return {}
    rows = await connection.execute(_ANSWERED, {"ids": texts(sorted(ticket_ids))})
    return {row.root_id: Answered(row.agent_id, row.times) for row in rows}


async def keep(
    connection: AsyncConnection,
    ticket_id: str,
    reply_id: str | None,
    agent_id: str | None,
    rating: str,
    words: str | None,
    times: int,
    at: datetime,
) -> None:
    """As it is said now; whose it is stays as it was said first."""
    values = {"rating": rating, "words": words, "times": times, "last_at": at}
    row = {"ticket_id": ticket_id, "reply_id": reply_id or "", "agent_id": agent_id}
    statement = insert(ratings).values(**row, **values, first_at=at)
    await connection.execute(statement.on_conflict_do_update(index_elements=["ticket_id", "reply_id"], set_=values))


async def keep_all(connection: AsyncConnection, given: Iterable[RatedInChat]) -> None:
    """Those of a batch, in order."""
    for one in given:
        await keep(connection, one.ticket_id, None, one.agent_id, one.rating, one.words, one.times, one.at)
