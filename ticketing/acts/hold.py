"""A ticket waits for something outside the desk."""

from ticketing import status
from ticketing.acts.kind import ActKind, Nothing
from ticketing.acts.scene import Scene
from ticketing.people.policy import Permission


def decide(scene: Scene[None], given: Nothing) -> None:  # noqa: ARG001  # there is nothing in it
    """Put it on hold."""
    scene.change(scene.ticket)
    status.change(scene.ticket, "on_hold", scene.act, actor=scene.act.actor, at=scene.now, now=scene.now)


HOLD = ActKind(
    name="hold",
    summary="Put a ticket on hold: it waits for something that the desk cannot do.",
    permission=Permission.WORK_TICKETS,
    input=Nothing,
    decide=decide,
)
