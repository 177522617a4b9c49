"""A ticket is done."""

from ticketing import status
from ticketing.acts.kind import ActKind, Nothing
from ticketing.acts.scene import Scene
from ticketing.people.policy import Permission


def decide(scene: Scene[None], given: Nothing) -> None:  # noqa: ARG001  # there is nothing in it
    """Close it."""
    scene.change()
    status.close(scene.ticket, scene.act, by="agent", actor=scene.act.actor, at=scene.now, now=scene.now)


CLOSE = ActKind(
    name="close",
    summary="Close a ticket.",
    permission=Permission.WORK_TICKETS,
    input=Nothing,
    decide=decide,
)
