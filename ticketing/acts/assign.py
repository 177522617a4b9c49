"""Whose a ticket is: an agent's, a team's, or nobody's."""

from pydantic import Field, model_validator
from sqlalchemy.ext.asyncio import AsyncConnection

from bus.errors import Invalid
from bus.ticket_event_data import Assigned
from ticketing.acts.kind import ActKind, Asked, Input
from ticketing.acts.scene import Scene
from ticketing.acts.whom import must_be_there
from ticketing.people.policy import Permission


class Assign(Input):
    """What is not named stays as it is; null takes it away. Ids of an agent and a team."""

    owner: str | None = Field(default=None, max_length=100)
    team: str | None = Field(default=None, max_length=100)

    @model_validator(mode="after")
    def _something(self) -> "Assign":
        if not self.model_fields_set:
            raise ValueError("name an owner, a team, or both")
        return self


async def read(connection: AsyncConnection, asked: Asked[Assign]) -> None:
    """They must be there."""
    await must_be_there(connection, asked.given.owner, asked.given.team)


def decide(scene: Scene[None], given: Assign) -> None:
    """Hand it over."""
    ticket = scene.ticket
    owner = given.owner if "owner" in given.model_fields_set else ticket.owner_id
    team = given.team if "team" in given.model_fields_set else ticket.team_id
    if (owner, team) == (ticket.owner_id, ticket.team_id):
        raise Invalid(f"ticket {ticket.number} is theirs already")
    ticket.owner_id, ticket.team_id = owner, team
    scene.tell("ticket.assigned", Assigned(owner_id=owner, team_id=team))


ASSIGN = ActKind(
    name="assign",
    summary="Give a ticket to an agent or a team, or take it from them.",
    permission=Permission.WORK_TICKETS,
    input=Assign,
    read=read,
    decide=decide,
)
