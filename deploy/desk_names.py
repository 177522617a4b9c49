"""What the desk tells beside figures: who agents are, whom it knows. Figures and desk do not import each other."""

from collections.abc import Collection, Mapping

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncEngine

_KNOWS = {
    "contact": sa.text("SELECT EXISTS (SELECT FROM desk.contacts WHERE id = :id)"),
    "account": sa.text("SELECT EXISTS (SELECT FROM desk.accounts WHERE id = :id)"),
    "agent": sa.text("SELECT EXISTS (SELECT FROM desk.agents WHERE id = :id)"),
}
_AGENTS = sa.text("SELECT id, name FROM desk.agents WHERE id = ANY(CAST(:ids AS text[]))")


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

    async def words(self, event_ids: Collection[str]) -> Mapping[str, str]:  # noqa: ARG002  # the form of it
        """None: the desk takes no ratings yet, and so no words beside them."""
        return {}
