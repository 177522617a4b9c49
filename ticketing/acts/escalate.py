"""A ticket needs more than its owner can do."""

from pydantic import Field
from sqlalchemy.ext.asyncio import AsyncConnection

from bus.ticket_event_data import Assigned, Escalated
from ticketing import status
from ticketing.acts.kind import ActKind, Asked, Input
from ticketing.acts.scene import Scene
from ticketing.acts.whom import must_be_there
from ticketing.people.policy import Permission


class Escalate(Input):
    """To whom, if to somebody in particular: it is theirs then. Ids of an agent and a team."""

    owner: str | None = Field(default=None, max_length=100)
    team: str | None = Field(default=None, max_length=100)


async def read(connection: AsyncConnection, asked: Asked[Escalate]) -> None:
    """They must be there."""
    await must_be_there(connection, asked.given.owner, asked.given.team)


def decide(scene: Scene[None], given: Escalate) -> None:
    """Escalate it."""
    scene.change(scene.ticket)
    ticket = scene.ticket
    status.change(ticket, "escalated", scene.act, actor=scene.act.actor, at=scene.now, now=scene.now)
    scene.tell("ticket.escalated", Escalated(to=given.owner or given.team))
    owner, team = given.owner or ticket.owner_id, given.team or ticket.team_id
    if (owner, team) != (ticket.owner_id, ticket.team_id):
        ticket.owner_id, ticket.team_id = owner, team
        scene.tell("ticket.assigned", Assigned(owner_id=owner, team_id=team))


ESCALATE = ActKind(
    name="escalate",
    summary="Escalate a ticket, to an agent or a team if you like.",
    permission=Permission.WORK_TICKETS,
    input=Escalate,
    read=read,
    decide=decide,
)
