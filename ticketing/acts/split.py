"""Some messages of a ticket become a ticket of their own."""

from uuid import uuid4

from pydantic import Field
from sqlalchemy.ext.asyncio import AsyncConnection

from ticketing import load
from ticketing.acts.kind import ActKind, Asked, Input
from ticketing.acts.on_graph import Region
from ticketing.acts.region import acting, leave, messages_in, region
from ticketing.acts.scene import Scene
from ticketing.people.policy import Permission
from ticketing.tickets import Ticket


class Split(Input):
    """`messages`: by our ids or by their sources'. `wrong`: they never belonged where they are."""

    messages: list[str] = Field(min_length=1, max_length=1_000)
    wrong: bool = False


async def read(connection: AsyncConnection, asked: Asked[Split]) -> Region:
    """The ticket, its messages that are meant, and a number for the new one."""
    meant = await messages_in(connection, asked.ticket_id, asked.given.messages)
    [number] = await load.numbers(connection, 1)
    return await region(connection, {asked.ticket_id}, meant, (uuid4().hex, number))


def decide(scene: Scene[Region], given: Split) -> Ticket:
    """See the module."""
    assert scene.facts.fresh is not None
    act = acting(scene)
    ticket = act.split(scene.facts.aims, scene.facts.fresh, wrong=given.wrong)
    leave(scene, act)
    return ticket


SPLIT = ActKind(
    name="split",
    summary="Make a new ticket of some messages of one; replies follow what they answer.",
    permission=Permission.WORK_TICKETS,
    input=Split,
    read=read,
    decide=decide,
    on_graph=True,
)
