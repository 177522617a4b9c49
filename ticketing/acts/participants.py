"""Whom an agent lets into a ticket beside its requester: may be written to, and is believed."""

from typing import Any

from pydantic import Field
from sqlalchemy import text

from bus.ticket_event_data import Updated
from ticketing.acts.kind import ActKind, Input
from ticketing.acts.scene import Scene
from ticketing.contacts import person_of
from ticketing.people.policy import Permission

_LET_IN = text("""
INSERT INTO desk.participants (ticket_id, person, added_at) VALUES (:ticket, :person, :now) ON CONFLICT DO NOTHING
""")
_LET_OUT = text("""
DELETE FROM desk.participants p USING desk.tickets t
WHERE p.ticket_id = t.id AND t.root_id = :ticket AND p.person = :person
""")


class Participant(Input):
    """`address`: of mail."""

    address: str = Field(min_length=3, max_length=254, pattern=r"^[^\s@<>()\[\],;:\\\"]+@[^\s@<>()\[\],;:\\\"]+$")


def let_in(scene: Scene[Any], address: str) -> None:
    """Make somebody a participant, without a word about it."""
    scene.write(_LET_IN, ticket=scene.ticket.id, person=person_of("email", address), now=scene.now)


def add(scene: Scene[object], given: Participant) -> None:
    """Let somebody in."""
    let_in(scene, given.address)
    scene.tell("ticket.updated", Updated(fields={"participants": None}))


def remove(scene: Scene[object], given: Participant) -> None:
    """Let somebody out."""
    scene.write(_LET_OUT, ticket=scene.ticket.id, person=person_of("email", given.address))
    scene.tell("ticket.updated", Updated(fields={"participants": None}))


ADD_PARTICIPANT = ActKind(
    name="add-participant",
    summary="Let somebody beside the requester into a ticket.",
    permission=Permission.WORK_TICKETS,
    input=Participant,
    decide=add,
)
REMOVE_PARTICIPANT = ActKind(
    name="remove-participant",
    summary="Let somebody beside the requester into a ticket no longer.",
    permission=Permission.WORK_TICKETS,
    input=Participant,
    decide=remove,
)
