"""How routes on people answer: in one transaction, once under a key, and what is not there as 404."""

import hashlib
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Annotated, Final

from fastapi import Path, Request, Response
from pydantic import BaseModel
from sqlalchemy.ext.asyncio import AsyncConnection

from ticketing.acts.errors import Unknown
from ticketing.api.inside import Inside
from ticketing.api.json_answer import as_json
from ticketing.api.once import cause_of
from ticketing.people import store
from ticketing.people.directory import NoSuch
from ticketing.people.models import (
    NewTokenGiven,
    TokenOnce,
)
from ticketing.people.policy import Who, narrowed

ID: Final = r"^[A-Za-z0-9._ -]{1,64}$"
IdPath = Annotated[str, Path(pattern=ID)]
TokenPath = Annotated[str, Path(pattern=r"^[0-9a-f]{16}$", description="A token's id, which is no secret.")]
FAILING = ("malformed", "busy", "unknown")


async def once(
    inside: Inside,
    request: Request,
    who: Who,
    key: str,
    does: Callable[[AsyncConnection, str], Awaitable[BaseModel]],
    *,
    status: int = 200,
) -> Response:
    """What is done and answered once under a key. `does` is given its cause."""

    async def do(cause: str) -> Response:
        async with changing(inside) as connection:
            return as_json(await does(connection, cause), status=status)

    return await inside.once.answer(request, who, key, do)


async def token_for(inside: Inside, who: Who, agent_id: str, key: str, given: NewTokenGiven) -> TokenOnce:
    """A token that reaches no further than that of whoever makes it. Its answer is not kept: it is a secret."""
    async with changing(inside) as connection:
        made = await store.give_token(
            connection,
            agent_id,
            name=given.name,
            lifetime=timedelta(days=given.days),
            scopes=narrowed(who, given.scopes),
            id_=made_by(cause_of(who, key))[:16],
        )
        return TokenOnce(id=made.id, token=made.token, expires_at=made.expires_at)


def made_by(cause: str) -> str:
    """Of what ids are made, so that the same cause makes the same thing."""
    return hashlib.sha256(f"people\0{cause}".encode()).hexdigest()


@asynccontextmanager
async def looking(inside: Inside) -> AsyncIterator[AsyncConnection]:
    """For one look. Raises Unknown."""
    try:
        async with inside.look() as connection:
            yield connection
    except NoSuch as error:
        raise Unknown(str(error)) from None


@asynccontextmanager
async def changing(inside: Inside) -> AsyncIterator[AsyncConnection]:
    """One transaction. Raises Unknown."""
    try:
        async with store.transaction(inside.acting) as connection:
            yield connection
    except NoSuch as error:
        raise Unknown(str(error)) from None
