"""A file by itself: agents see it on the ticket, no customer is sent it."""

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from bus.errors import Invalid
from bus.ticket_event_data import AttachmentAdded
from ticketing.acts.files import File
from ticketing.acts.kind import ActKind, Asked
from ticketing.acts.scene import Scene
from ticketing.acts.tables import ticket_files
from ticketing.people.policy import Permission

_THERE = text("""
SELECT true FROM desk.ticket_files f JOIN desk.tickets t ON t.id = f.ticket_id WHERE t.root_id = :id AND f.blob = :blob
""")


async def read(connection: AsyncConnection, asked: Asked[File]) -> bool:
    """Whether the file is there already."""
    found = await connection.scalar(_THERE, {"id": asked.ticket_id, "blob": asked.given.blob})
    return found is not None


def decide(scene: Scene[bool], given: File) -> None:
    """Add it."""
    if scene.facts:
        raise Invalid(f"ticket {scene.ticket.number} has this file already")
    sha256 = given.blob.removeprefix("sha256/")
    scene.write(
        ticket_files,
        ticket_id=scene.ticket.id,
        sha256=sha256,
        agent_id=scene.who.agent_id,
        name=given.name,
        media_type=given.media_type,
        size=given.size,
        blob=given.blob,
        created_at=scene.now,
    )
    scene.ticket.attachments += 1
    scene.tell("ticket.attachment_added", AttachmentAdded(sha256=sha256))


ADD_ATTACHMENT = ActKind(
    name="add-attachment",
    summary="Put a file on a ticket without writing to the customer.",
    permission=Permission.WORK_TICKETS,
    input=File,
    read=read,
    decide=decide,
)
