"""What was split off goes back to where it came from."""

from sqlalchemy.ext.asyncio import AsyncConnection

from ticketing.acts.kind import ActKind, Asked, Nothing
from ticketing.acts.on_graph import Region
from ticketing.acts.region import acting, leave, region, split_from
from ticketing.acts.scene import Scene
from ticketing.people.policy import Permission
from ticketing.tickets import Ticket


async def read(connection: AsyncConnection, asked: Asked[Nothing]) -> Region:
    """The ticket, and those that it was split off."""
    olders = await split_from(connection, asked.named_id)
    return await region(connection, {asked.ticket_id, *olders}, (asked.named_id,))


def decide(scene: Scene[Region], given: Nothing) -> Ticket:  # noqa: ARG001  # there is nothing in it
    """See the module."""
    act = acting(scene)
    ticket = act.unsplit(scene.facts.aims[0])
    leave(scene, act)
    return ticket


UNSPLIT = ActKind(
    name="unsplit",
    summary="Put what was split off, or was in the wrong ticket, back where it came from.",
    permission=Permission.WORK_TICKETS,
    input=Nothing,
    read=read,
    decide=decide,
    on_graph=True,
)
