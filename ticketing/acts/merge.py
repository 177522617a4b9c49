"""Two tickets become one, under the lower number."""

from pydantic import Field
from sqlalchemy.ext.asyncio import AsyncConnection

from ticketing.acts.kind import ActKind, Asked, Input
from ticketing.acts.on_graph import Region
from ticketing.acts.region import acting, leave, region, root_of_number
from ticketing.acts.scene import Scene
from ticketing.people.policy import Permission
from ticketing.tickets import Ticket


class Merge(Input):
    """`other`: the number of the other ticket."""

    other: int = Field(ge=1)


async def read(connection: AsyncConnection, asked: Asked[Merge]) -> Region:
    """Both."""
    other = await root_of_number(connection, asked.given.other)
    return await region(connection, {asked.ticket_id, other}, (other,))


def decide(scene: Scene[Region], given: Merge) -> Ticket:  # noqa: ARG001  # `read` has found it
    """See the module."""
    act = acting(scene)
    ticket = act.merge(scene.ticket.id, scene.facts.aims[0])
    leave(scene, act)
    return ticket


MERGE = ActKind(
    name="merge",
    summary="Make two tickets one, under the lower number; the other number works for ever.",
    permission=Permission.WORK_TICKETS,
    input=Merge,
    read=read,
    decide=decide,
    on_graph=True,
)
