"""Who asks, as the desk knows him."""

from typing import Annotated

from fastapi import APIRouter
from pydantic import BaseModel, ConfigDict

from ticketing.api.inside import Inside
from ticketing.people.policy import Permission, Role, Who, may, reach


class Me(BaseModel):
    """Who asks. `may`: what he may do somewhere; `departments`: whose tickets he sees, null: everybody's."""

    model_config = ConfigDict(frozen=True)

    id: str
    name: str
    roles: list[Role]
    may: list[Permission]
    departments: list[str] | None


def me_routes(inside: Inside) -> APIRouter:
    """Mounted under `/api/v1`."""
    router = APIRouter(tags=["people"])

    @router.get("/me")
    async def show_me(who: Annotated[Who, inside.access.anybody()]) -> Me:
        """Whose token this is, and what it may do."""
        where = reach(who, Permission.SEE_TICKETS)
        return Me(
            id=who.agent_id,
            name=who.name,
            roles=sorted(who.roles),
            may=[permission for permission in Permission if may(who, permission)],
            departments=None if where is None else sorted(where),
        )

    return router
