"""Agents' acts in as few words as a test has for them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncEngine

from tests.ticketing.filing.said import CONFIRMING
from ticketing.acts.desk import Desk
from ticketing.acts.operating import act, operator
from ticketing.acts.perform import perform_opening
from ticketing.acts.performed import Performed
from ticketing.acts.table import OPENING
from ticketing.policy import Policy

DESK = Desk(CONFIRMING, Policy())


async def people(engine: AsyncEngine, *agents: str, teams: Sequence[str] = ()) -> None:
    """These agents and teams are there."""
    async with engine.begin() as connection:
        for id_ in agents:
            made = "INSERT INTO desk.agents (id, name, roles, created_at) VALUES (:id, :id, '{agent}', now())"
            await connection.execute(sa.text(made), {"id": id_})
        for id_ in teams:
            made = "INSERT INTO desk.teams (id, name, created_at) VALUES (:id, :id, now())"
            await connection.execute(sa.text(made), {"id": id_})


@dataclass(frozen=True)
class Acts:
    """Acts under one key, at one time; each gives the number of the ticket that came of it."""

    engine: AsyncEngine
    key: str
    agent: str
    now: datetime
    desk: Desk = DESK

    async def do(self, name: str, on: int | str, version: int | None = None, /, **given: object) -> Performed:
        """Any act."""
        return await act(
            self.engine, self.desk, name, on, given, operator(self.agent), key=self.key, version=version, now=self.now
        )

    async def opens(self, name: str, **given: object) -> Performed:
        """Any act that opens a ticket."""
        kind = next(each for each in OPENING if each.name == name)
        wanted, who = kind.input.model_validate(given), operator(self.agent)
        return await perform_opening(self.engine, kind, wanted, who, desk=self.desk, key=self.key, now=self.now)

    async def merge(self, one: int, other: int) -> int:
        return await self._do("merge", one, {"other": other})

    async def unmerge(self, number: int) -> int:
        return await self._do("unmerge", number)

    async def unsplit(self, number: int) -> int:
        return await self._do("unsplit", number)

    async def split(self, messages: Sequence[str], *, wrong: bool = False) -> int:
        return await self._do("split", messages[0], {"messages": messages, "wrong": wrong})

    async def move(self, message: str, number: int) -> int:
        return await self._do("move-message", message, {"message": message, "to": number})

    async def participant(self, number: int, address: str, *, remove: bool = False) -> int:
        return await self._do(f"{'remove' if remove else 'add'}-participant", number, {"address": address})

    async def revoke_tokens(self, number: int) -> int:
        return await self._do("revoke-tokens", number)

    async def _do(self, name: str, on: int | str, given: Mapping[str, Any] | None = None) -> int:
        return (await self.do(name, on, **(given or {}))).document.number
