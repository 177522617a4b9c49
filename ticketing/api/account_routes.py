"""Customers that are companies: accounts looked up, made, called something else."""

from collections.abc import Awaitable, Callable
from typing import Annotated

from fastapi import APIRouter, Path, Query, Request, Response

from ticketing import contact_editing
from ticketing.api.contact_list import account_page, one_account
from ticketing.api.contact_models import Account, AccountEdit, AccountPage, AccountQuery, NewAccount
from ticketing.api.contact_routes import act_of
from ticketing.api.inside import Inside
from ticketing.api.json_answer import as_json
from ticketing.api.once import KeyHeader
from ticketing.api.problems import declared
from ticketing.contact_acts import Act
from ticketing.people.policy import Permission, Who

AccountPath = Annotated[str, Path(pattern=r"^[0-9a-f]{32}$", description="The account's id.")]


def account_routes(inside: Inside) -> APIRouter:
    """Mounted under `/api/v1`."""
    router = APIRouter(tags=["accounts"])
    Seeing = Annotated[Who, inside.access.needs(Permission.SEE_CONTACTS)]  # noqa: N806  # a type

    @router.get("/accounts", response_model=AccountPage)
    async def list_accounts(who: Seeing, asked: Annotated[AccountQuery, Query()]) -> Response:  # noqa: ARG001
        """Accounts, by name."""
        async with inside.look() as connection:
            return as_json(await account_page(connection, asked))

    @router.get("/accounts/{account}", responses=declared("unknown"))
    async def show_account(who: Seeing, account: AccountPath) -> Account:  # noqa: ARG001
        """One account."""
        async with inside.look() as connection:
            return await one_account(connection, account)

    Editing = Annotated[Who, inside.access.needs(Permission.EDIT_CONTACTS)]  # noqa: N806  # a type

    async def once(
        request: Request, who: Who, key: str, does: Callable[[Act], Awaitable[str]], *, status: int = 200
    ) -> Response:
        async def do(cause: str) -> Response:
            id_ = await does(act_of(who, cause))
            async with inside.look() as connection:
                return as_json(await one_account(connection, id_), status=status)

        return await inside.once.answer(request, who, key, do)

    @router.post("/accounts", status_code=201, response_model=Account, responses=declared("malformed", "busy"))
    async def create_account(request: Request, who: Editing, key: KeyHeader, given: NewAccount) -> Response:
        """Make an account."""

        return await once(
            request,
            who,
            key,
            lambda act: contact_editing.create_account(inside.acting, given.name, given.key or given.name, act),
            status=201,
        )

    @router.post(
        "/accounts/{account}/update", response_model=Account, responses=declared("malformed", "busy", "unknown")
    )
    async def update_account(
        request: Request, who: Editing, account: AccountPath, key: KeyHeader, given: AccountEdit
    ) -> Response:
        """Call an account something else."""

        return await once(
            request, who, key, lambda _: contact_editing.rename_account(inside.acting, account, given.name)
        )

    return router
