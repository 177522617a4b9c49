"""All reply addresses of a ticket become worthless."""

from sqlalchemy.ext.asyncio import AsyncConnection

from ticketing.acts.kind import ActKind, Asked, Nothing
from ticketing.acts.on_graph import Region
from ticketing.acts.region import acting, leave, region
from ticketing.acts.scene import Scene
from ticketing.people.policy import Permission
from ticketing.tickets import Ticket
from ticketing.tokens import MOST_REVOCATIONS


async def read(connection: AsyncConnection, asked: Asked[Nothing]) -> Region:
    """The ticket, and what was merged into it: their tokens too."""
    return await region(connection, {asked.ticket_id})


def decide(scene: Scene[Region], given: Nothing) -> Ticket:  # noqa: ARG001  # there is nothing in it
    """See the module."""
    act = acting(scene)
    ticket = act.revoke_tokens(scene.ticket.id, MOST_REVOCATIONS)
    leave(scene, act)
    return ticket


REVOKE_TOKENS = ActKind(
    name="revoke-tokens",
    summary="Make every reply address of a ticket worthless; what is sent from now on has new ones.",
    permission=Permission.WORK_TICKETS,
    input=Nothing,
    read=read,
    decide=decide,
    on_graph=True,
)
