"""A note among agents: no customer ever sees it."""

from pydantic import Field

from bus.ticket_event_data import Commented
from ticketing.acts.files import File
from ticketing.acts.kind import ActKind, Input
from ticketing.acts.scene import Scene
from ticketing.acts.tables import comments
from ticketing.confirm import reply_id
from ticketing.people.policy import Permission


class Comment(Input):
    """`text`: plain."""

    text: str = Field(min_length=1, max_length=100_000)
    attachments: list[File] = Field(default=[], max_length=50)


def decide(scene: Scene[None], given: Comment) -> None:
    """Keep it."""
    id_ = reply_id(scene.ticket.id, "comment", scene.act.key)
    scene.write(
        comments,
        id=id_,
        ticket_id=scene.ticket.id,
        agent_id=scene.who.agent_id,
        text=given.text,
        attachments=[file.model_dump() for file in given.attachments],
        created_at=scene.now,
    )
    scene.tell("ticket.commented", Commented(comment_id=id_))


COMMENT = ActKind(
    name="comment",
    summary="Write a note that only agents see.",
    permission=Permission.WORK_TICKETS,
    input=Comment,
    decide=decide,
)
