"""Agents' passwords and tokens over HTTP, for those who manage people."""

from typing import Annotated

from fastapi import APIRouter

from ticketing.api.inside import Inside
from ticketing.api.once import KeyHeader
from ticketing.api.problems import declared
from ticketing.people import directory, passwords, store
from ticketing.people.answering import FAILING, IdPath, TokenPath, changing, looking, token_for
from ticketing.people.models import (
    NewPassword,
    NewTokenGiven,
    TokenList,
    TokenOnce,
)
from ticketing.people.policy import Permission, Who
from ticketing.receipts import now_utc


def password_routes(inside: Inside) -> APIRouter:
    """Mounted under `/api/v1`."""
    router = APIRouter(tags=["people"])
    Managing = Annotated[Who, inside.access.needs(Permission.MANAGE_PEOPLE)]  # noqa: N806  # a type

    @router.post("/agents/{agent}/password", status_code=204, responses=declared(*FAILING))
    async def set_password(who: Managing, agent: IdPath, key: KeyHeader, given: NewPassword) -> None:  # noqa: ARG001
        """Set an agent's password; his sessions end."""
        hashed = await passwords.hashed(given.password)
        async with changing(inside) as connection:
            found = await directory.agent(connection, agent)
            await directory.set_password(connection, found.id, hashed, now_utc())

    return router


def token_routes(inside: Inside) -> APIRouter:
    """Mounted under `/api/v1`."""
    router = APIRouter(tags=["people"])
    Managing = Annotated[Who, inside.access.needs(Permission.MANAGE_PEOPLE)]  # noqa: N806  # a type

    @router.get("/agents/{agent}/tokens", responses=declared("unknown"))
    async def list_tokens(who: Managing, agent: IdPath) -> TokenList:  # noqa: ARG001  # who may
        """An agent's tokens, without their secrets."""
        async with looking(inside) as connection:
            found = await directory.agent(connection, agent)
            return TokenList(items=await store.tokens(connection, found.id))

    @router.post("/agents/{agent}/tokens", status_code=201, responses=declared(*FAILING))
    async def create_token(who: Managing, agent: IdPath, key: KeyHeader, given: NewTokenGiven) -> TokenOnce:
        """Make a token and show it, this once: under a key that was used it is not shown again."""
        async with looking(inside) as connection:
            found = await directory.agent(connection, agent)
        return await token_for(inside, who, found.id, key, given)

    @router.post("/tokens/{token}/revoke", status_code=204, responses=declared(*FAILING))
    async def revoke_token(who: Managing, token: TokenPath, key: KeyHeader) -> None:  # noqa: ARG001  # harmless again
        """Let a token hold no longer."""
        async with changing(inside) as connection:
            await store.revoke(connection, token)

    return router
