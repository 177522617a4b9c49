"""One message goes to another ticket; moved back, it is as if it had never been moved."""

from pydantic import Field
from sqlalchemy.ext.asyncio import AsyncConnection

from ticketing.acts.kind import ActKind, Asked, Input
from ticketing.acts.on_graph import Region
from ticketing.acts.region import acting, leave, messages_in, region, root_of_number
from ticketing.acts.scene import Scene
from ticketing.people.policy import Permission
from ticketing.tickets import Ticket


class MoveMessage(Input):
    """`message`: by our id or by its source's; `to`: the number of the ticket it belongs to."""

    message: str
    to: int = Field(ge=1)


async def read(connection: AsyncConnection, asked: Asked[MoveMessage]) -> Region:
    """Both tickets."""
    meant = await messages_in(connection, asked.ticket_id, [asked.given.message])
    target = await root_of_number(connection, asked.given.to)
    return await region(connection, {asked.ticket_id, target}, (*meant, target))


def decide(scene: Scene[Region], given: MoveMessage) -> Ticket:  # noqa: ARG001  # `read` has found both
    """See the module."""
    act = acting(scene)
    message, target = scene.facts.aims
    ticket = act.move(message, target)
    leave(scene, act)
    return ticket


MOVE_MESSAGE = ActKind(
    name="move-message",
    summary="Move a message to another ticket; moved back, it is as if nothing had happened.",
    permission=Permission.WORK_TICKETS,
    input=MoveMessage,
    read=read,
    decide=decide,
    on_graph=True,
)
