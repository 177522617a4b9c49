"""A ticket is open again, whether it was closed, on hold or escalated."""

from ticketing import status
from ticketing.acts.kind import ActKind, Nothing
from ticketing.acts.scene import Scene
from ticketing.people.policy import Permission


def decide(scene: Scene[None], given: Nothing) -> None:  # noqa: ARG001  # there is nothing in it
    """Open it."""
    scene.change(scene.ticket)
    ticket, act, now = scene.ticket, scene.act, scene.now
    if not status.reopen(ticket, act, by="agent", actor=act.actor, at=now, now=now):
        status.change(ticket, "open", act, actor=act.actor, at=now, now=now)


REOPEN = ActKind(
    name="reopen",
    summary="Open a ticket again: a closed one, one on hold, an escalated one.",
    permission=Permission.WORK_TICKETS,
    input=Nothing,
    decide=decide,
)
