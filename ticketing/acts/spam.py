"""A ticket is nobody's question; figures leave it out, and it can be taken back."""

from bus.errors import Invalid
from ticketing.acts.kind import ActKind, Nothing
from ticketing.acts.scene import Scene
from ticketing.people.policy import Permission


def mark(scene: Scene[None], given: Nothing) -> None:  # noqa: ARG001  # there is nothing in it
    """It is."""
    if scene.ticket.spam:
        raise Invalid(f"ticket {scene.ticket.number} is spam already")
    scene.ticket.spam = True
    scene.tell("ticket.spam_marked", {})


def unmark(scene: Scene[None], given: Nothing) -> None:  # noqa: ARG001  # there is nothing in it
    """It is not."""
    if not scene.ticket.spam:
        raise Invalid(f"ticket {scene.ticket.number} is not spam")
    scene.ticket.spam = False
    scene.tell("ticket.spam_unmarked", {})


MARK_SPAM = ActKind(
    name="mark-spam",
    summary="Say that a ticket is spam: no figure counts it.",
    permission=Permission.WORK_TICKETS,
    input=Nothing,
    decide=mark,
)
UNMARK_SPAM = ActKind(
    name="unmark-spam",
    summary="Say that a ticket is not spam after all.",
    permission=Permission.WORK_TICKETS,
    input=Nothing,
    decide=unmark,
)
