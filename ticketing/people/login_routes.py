"""Logging in and out, and another password."""

import math
from typing import Annotated

from fastapi import APIRouter, Request

from ticketing.api.inside import Inside
from ticketing.api.once import KeyHeader
from ticketing.api.problems import Refused, declared
from ticketing.people import directory, passwords, store
from ticketing.people.answering import changing
from ticketing.people.models import LogIn, OwnPassword, TokenOnce
from ticketing.people.policy import Who
from ticketing.people.store import TooManyFailures, WrongPassword
from ticketing.receipts import now_utc


def login_routes(inside: Inside) -> APIRouter:
    """Mounted under `/api/v1`."""
    router = APIRouter(tags=["people"])
    Anybody = Annotated[Who, inside.access.anybody()]  # noqa: N806  # a type

    @router.post("/login", responses=declared("unauthorized", "too-many"))
    async def log_in(request: Request, given: LogIn) -> TokenOnce:
        """A token for some hours, for a mail address and a password."""
        try:
            made = await store.log_in(inside.acting, given.email, given.password, address=_from(request))
        except (WrongPassword, TooManyFailures) as error:
            raise _refused(error) from None
        return TokenOnce(id=made.id, token=made.token, expires_at=made.expires_at)

    @router.post("/me/logout", status_code=204, responses=declared("malformed"))
    async def log_out(who: Anybody, key: KeyHeader) -> None:  # noqa: ARG001  # harmless again
        """Let the token that this is asked with hold no longer."""
        async with changing(inside) as connection:
            await store.revoke(connection, who.token_id or "", of=who.agent_id)

    @router.post("/me/password", status_code=204, responses=declared("malformed", "forbidden", "too-many"))
    async def change_password(request: Request, who: Anybody, key: KeyHeader, given: OwnPassword) -> None:  # noqa: ARG001
        """Change one's own password; all sessions end. A token with scopes cannot: a login would have none."""
        if who.scopes is not None:
            raise Refused("forbidden", "this token is limited; log in to change the password")
        async with inside.look() as connection:
            me = await directory.agent(connection, who.agent_id)
        try:
            await store.check_password(inside.acting, me.email or "", given.old, address=_from(request))
        except WrongPassword:
            raise Refused("forbidden", "this is not the old password") from None
        except TooManyFailures as error:
            raise _refused(error) from None
        hashed = await passwords.hashed(given.password)
        async with changing(inside) as connection:
            await directory.set_password(connection, me.id, hashed, now_utc())

    return router


def _from(request: Request) -> str:
    return request.client.host if request.client else ""


def _refused(error: WrongPassword | TooManyFailures) -> Refused:
    if isinstance(error, WrongPassword):
        return Refused("unauthorized", "no agent has this name and this password")
    seconds = math.ceil(error.wait.total_seconds())
    return Refused("too-many", "too many failed logins; wait a while", headers={"Retry-After": str(seconds)})
