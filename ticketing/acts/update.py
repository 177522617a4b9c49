"""What a ticket is about, how urgent, and until when."""

from datetime import datetime
from typing import Annotated, Literal

from pydantic import AfterValidator, AwareDatetime, Field, model_validator

from bus.calendars import instant
from bus.errors import Invalid
from bus.message import Priority
from bus.ticket_event_data import DueSet, Updated
from ticketing.acts.kind import ActKind, Input
from ticketing.acts.scene import Scene
from ticketing.people.policy import Permission
from ticketing.tickets import Ticket

_WORD = r"^[^\x00-\x1f\x7f]+$"
Tag = Annotated[str, Field(min_length=1, max_length=64, pattern=_WORD)]


def _once_each(tags: list[str]) -> list[str]:
    return sorted(set(tags))


class Update(Input):
    """What is not named stays as it is; null takes it away. `due_at`: until when it is to be
    resolved; taken away it is what the service level says."""

    subject: str | None = Field(default=None, max_length=500, pattern=_WORD)
    priority: Priority = "normal"
    category: str | None = Field(default=None, max_length=64, pattern=_WORD)
    kind: Literal["problem", "question", "thanks"] | None = None
    tags: Annotated[list[Tag], Field(max_length=50), AfterValidator(_once_each)] = []
    due_at: AwareDatetime | None = None

    @model_validator(mode="after")
    def _something(self) -> "Update":
        if not self.model_fields_set:
            raise ValueError("name what is to change")
        return self


_ATTRIBUTE = {"kind": "ticket_kind"}
BY_NAME_ONLY = frozenset({"subject", "category", "tags"})
"""What somebody may have written a person's name into stays out of what is kept for ever."""


def decide(scene: Scene[None], given: Update) -> None:
    """Change it."""
    ticket = scene.ticket
    fields: dict[str, list[object] | None] = {}
    due = False
    for name in Update.model_fields:
        attribute, new = _ATTRIBUTE.get(name, name), getattr(given, name)
        old = _due(ticket) if name == "due_at" else getattr(ticket, attribute)
        if name not in given.model_fields_set or new == old:
            continue
        if name == "due_at":
            due = True
            _must_be_to_come(given.due_at, scene)
        else:
            setattr(ticket, attribute, new)
            fields[attribute] = None if name in BY_NAME_ONLY else [old, new]
    if fields:
        scene.tell("ticket.updated", Updated(fields=fields))
    if due:
        scene.tell("ticket.due_set", DueSet(which="resolution", due_at=given.due_at))
    if not fields and not due:
        raise Invalid(f"ticket {ticket.number} is so already")


def _due(ticket: Ticket) -> datetime | None:
    due = ticket.timed.due("resolution")
    return None if due is None else instant(due)


def _must_be_to_come(due: datetime | None, scene: Scene[None]) -> None:
    if due is not None and due <= scene.now:
        raise Invalid("a due time lies in the future")
    if scene.ticket.status == "closed":
        raise Invalid(f"ticket {scene.ticket.number} is closed; nothing is due any more")


UPDATE = ActKind(
    name="update",
    summary="Change a ticket's subject, priority, category, kind, tags or due time.",
    permission=Permission.WORK_TICKETS,
    input=Update,
    decide=decide,
)
