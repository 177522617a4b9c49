"""A ticket that was merged into another one is by itself again."""

from sqlalchemy.ext.asyncio import AsyncConnection

from ticketing.acts.kind import ActKind, Asked, Nothing
from ticketing.acts.on_graph import Region
from ticketing.acts.region import acting, leave, region
from ticketing.acts.scene import Scene
from ticketing.people.policy import Permission
from ticketing.tickets import Ticket


async def read(connection: AsyncConnection, asked: Asked[Nothing]) -> Region:
    """The whole group; the ticket that was named is to come out of it."""
    return await region(connection, {asked.ticket_id}, (asked.named_id,))


def decide(scene: Scene[Region], given: Nothing) -> Ticket:  # noqa: ARG001  # there is nothing in it
    """See the module."""
    act = acting(scene)
    ticket = act.unmerge(scene.facts.aims[0])
    leave(scene, act)
    return ticket


UNMERGE = ActKind(
    name="unmerge",
    summary="Take a merged ticket, by its own number, out again; nothing that comes later merges the two.",
    permission=Permission.WORK_TICKETS,
    input=Nothing,
    read=read,
    decide=decide,
    on_graph=True,
)
