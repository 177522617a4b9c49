"""What agents change of themselves."""

from typing import Annotated

from fastapi import APIRouter, Request, Response

from ticketing.api.inside import Inside
from ticketing.api.json_answer import as_json
from ticketing.api.once import KeyHeader
from ticketing.api.problems import declared
from ticketing.people import directory, store
from ticketing.people.answering import FAILING, TokenPath, changing, token_for
from ticketing.people.models import Agent, NewTokenGiven, ProfileEdit, TokenList, TokenOnce
from ticketing.people.policy import Who
from ticketing.receipts import now_utc


def own_routes(inside: Inside) -> APIRouter:
    """Mounted under `/api/v1`."""
    router = APIRouter(tags=["people"])
    Anybody = Annotated[Who, inside.access.anybody()]  # noqa: N806  # a type

    @router.get("/me/profile")
    async def show_profile(who: Anybody) -> Agent:
        """Whoever asks, as an agent."""
        async with inside.look() as connection:
            return await directory.agent(connection, who.agent_id)

    @router.post("/me/update", response_model=Agent, responses=declared("malformed", "busy"))
    async def update_me(request: Request, who: Anybody, key: KeyHeader, given: ProfileEdit) -> Response:
        """Change one's own language, signature, and what one is told of by mail."""

        async def do(cause: str) -> Response:  # noqa: ARG001  # the same again is the same
            async with changing(inside) as connection:
                return as_json(await directory.edit_agent(connection, who.agent_id, given, now_utc()))

        return await inside.once.answer(request, who, key, do)

    @router.get("/me/tokens")
    async def list_my_tokens(who: Anybody) -> TokenList:
        """One's own tokens, without their secrets."""
        async with inside.look() as connection:
            return TokenList(items=await store.tokens(connection, who.agent_id))

    @router.post("/me/tokens", status_code=201, responses=declared("malformed"))
    async def create_my_token(who: Anybody, key: KeyHeader, given: NewTokenGiven) -> TokenOnce:
        """Make a token for oneself and show it, this once. It reaches no further than the one it is asked with."""
        return await token_for(inside, who, who.agent_id, key, given)

    @router.post("/me/tokens/{token}/revoke", status_code=204, responses=declared(*FAILING))
    async def revoke_my_token(who: Anybody, token: TokenPath, key: KeyHeader) -> None:  # noqa: ARG001  # harmless again
        """Let a token of one's own hold no longer."""
        async with changing(inside) as connection:
            await store.revoke(connection, token, of=who.agent_id)

    return router
