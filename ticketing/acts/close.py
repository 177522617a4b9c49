"""A ticket is done; the customer may be asked how it was."""

from dataclasses import dataclass

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from bus.errors import Invalid
from ticketing import status
from ticketing.acts.answered import Correspondence, way
from ticketing.acts.correspondence import correspondence
from ticketing.acts.kind import ActKind, Asked, Nothing
from ticketing.acts.mail_account import mail_account
from ticketing.acts.scene import Scene
from ticketing.outbox import Told
from ticketing.people.policy import Permission
from ticketing.ratings.asking import PURPOSE, request

_ASKED = text("""
SELECT true FROM desk.replies s JOIN desk.tickets t ON t.id = s.ticket_id
 WHERE t.root_id = :ticket AND s.purpose = :purpose LIMIT 1
""")


@dataclass(frozen=True, slots=True)
class Closing:
    """Whom to ask how it was. `asked`: he has been."""

    found: Correspondence
    asked: bool


async def read(connection: AsyncConnection, asked: Asked[Nothing]) -> Closing:
    """The customer, and whether he has been asked."""
    before = await connection.scalar(_ASKED, {"ticket": asked.ticket_id, "purpose": PURPOSE})
    found = await correspondence(connection, asked.ticket_id, asked.who.agent_id)
    return Closing(found, before is not None)


def decide(scene: Scene[Closing], given: Nothing) -> None:  # noqa: ARG001  # there is nothing in it
    """Close it."""
    scene.change(scene.ticket)
    status.close(scene.ticket, scene.act, by="agent", actor=scene.act.actor, at=scene.now, now=scene.now)
    _ask(scene)


def _ask(scene: Scene[Closing]) -> None:
    """Once in a ticket's life, where an agent has answered and the department wants to know."""
    found, ticket = scene.facts.found, scene.ticket
    wanted = found.sender.rating == "at_close" and scene.desk.ratings.url is not None
    if not wanted or scene.facts.asked or ticket.spam or not ticket.replies:
        return
    try:
        there = way(found, mail_account(scene.desk, ticket, found), public=False)
    except Invalid:  # there is no way to the customer; the ticket is closed all the same
        return
    language = found.last.language if found.last else None
    reply = request(scene.desk, ticket, there, language, scene.now, via=found.sender.from_address)
    scene.decision.replies.append(Told(reply))


CLOSE = ActKind(
    name="close",
    summary="Close a ticket.",
    permission=Permission.WORK_TICKETS,
    input=Nothing,
    read=read,
    decide=decide,
)
