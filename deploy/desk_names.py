"""What the desk tells beside figures: who agents are, whom it knows, what customers wrote beside a rating."""

from collections.abc import Collection, Mapping

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncEngine

_KNOWS = {
    "contact": sa.text("SELECT EXISTS (SELECT FROM desk.contacts WHERE id = :id)"),
    "account": sa.text("SELECT EXISTS (SELECT FROM desk.accounts WHERE id = :id)"),
    "agent": sa.text("SELECT EXISTS (SELECT FROM desk.agents WHERE id = :id)"),
}
_AGENTS = sa.text("SELECT id, name FROM desk.agents WHERE id = ANY(CAST(:ids AS text[]))")

_WORDS = sa.text("""
    SELECT e.event_id, r.words
    FROM desk.ticket_events AS e JOIN desk.ratings AS r
      ON r.ticket_id = e.ticket_id AND r.reply_id = coalesce(e.document::json -> 'data' ->> 'reply_id', '')
    WHERE e.event_id = ANY(CAST(:ids AS text[])) AND e.type = 'ticket.rated' AND r.words IS NOT NULL
""")


class DeskNames:
    """metrics_worker.naming.Desk over the desk's tables."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine

    async def knows(self, key: str) -> bool:
        """Whether the desk has such a contact, account or agent."""
        kind, _, id_ = key.partition(":")
        if kind not in _KNOWS:
            return False
        async with self._engine.connect() as connection:
            return bool(await connection.scalar(_KNOWS[kind], {"id": id_}))

    async def agents(self, ids: Collection[str]) -> Mapping[str, str]:
        """Names by agent id."""
        if not ids:
            return {}
        async with self._engine.connect() as connection:
            found = await connection.execute(_AGENTS, {"ids": list(ids)})
            return {row.id: row.name for row in found}

    async def words(self, event_ids: Collection[str]) -> Mapping[str, str]:
        """What was written beside ratings, by the event that told of them; the newest words, when they were changed."""
        if not event_ids:
            return {}
        async with self._engine.connect() as connection:
            found = await connection.execute(_WORDS, {"ids": list(event_ids)})
            return {row.event_id: row.words for row in found}
