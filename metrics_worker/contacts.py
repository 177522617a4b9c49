"""What is known of one contact, from its own events alone, and the contacts that count as one. Pure."""

import json
from collections.abc import Iterator, Mapping
from typing import NamedTuple

from bus.calendars import ONLY_STANDARD, Calendars
from bus.errors import Invalid
from metrics_worker.event import ContactChange
from metrics_worker.facts import FEEDBACK, Fact, short_form
from metrics_worker.groups import root_of


class ContactFacts(NamedTuple):
    """A contact after its event `version` (0: only named by another's).

    `feedback`: what was written as feedback only, each with the account that the contact was at (`agent` of the fact).
    """

    contact_id: str
    version: int
    merged_into: str | None = None
    account_id: str | None = None
    erased: bool = False
    feedback: tuple[Fact, ...] = ()

    def to_json(self) -> str:
        """A compact document: a list, in the order of the fields."""
        return json.dumps((*self[:5], short_form(self.feedback)), separators=(",", ":"), ensure_ascii=False)

    @staticmethod
    def from_json(document: str) -> "ContactFacts":
        """What `to_json` wrote."""
        *values, feedback = json.loads(document)
        values.append(tuple([Fact(*fact) for fact in feedback]))
        return ContactFacts(*values)


def fold_contact(
    facts: ContactFacts | None, event: ContactChange, calendars: Calendars = ONLY_STANDARD
) -> ContactFacts | None:
    """The facts after `event`; None while there is nothing to keep of the contact. Raises Invalid at a gap.

    A contact that was only created, or renamed, is not kept: nothing follows from it.
    """
    known = facts is not None and facts.version > 0
    if facts is not None and known and event.version <= facts.version:
        return facts
    if facts is not None and known and event.version != facts.version + 1:
        raise Invalid(f"contact {event.contact_id}: event {event.version} follows {facts.version}")
    before = facts or ContactFacts(event.contact_id, 0)
    data, after = event.data, before._replace(version=event.version)
    match event.type:
        case "contact.merged":
            if data.get("into") is None:
                raise Invalid(f"contact {event.contact_id}: merged into nothing")
            after = after._replace(merged_into=data.get("into"))
        case "contact.unmerged":
            after = after._replace(merged_into=None)
        case "contact.moved":
            after = after._replace(account_id=data.get("to"))
        case "contact.created" if data.get("account_id") is not None:
            after = after._replace(account_id=data.get("account_id"))
        case "contact.erased":
            after = after._replace(erased=True)
        case "contact.feedback_received":
            desk = calendars.of_desk(event.recorded)
            about = (data.get("message_id") or "")[:16]
            day = desk.day(event.at)
            fact = Fact(
                event.at, FEEDBACK, event.event_id, day, desk.version, data.get("channel"), about, before.account_id
            )
            after = after._replace(feedback=(*after.feedback, fact))
        case _ if not known:
            return facts
    return after


def feedback_of(contact: ContactFacts) -> Iterator[tuple[str, Fact]]:
    """Whose figures each piece of feedback belongs to: (key, fact)."""
    for fact in contact.feedback:
        yield f"contact:{contact.contact_id}", fact
        if fact.agent is not None:
            yield f"account:{fact.agent}", fact
        yield "desk", fact


def roots_of(contacts: Mapping[str, ContactFacts]) -> dict[str, str]:
    """Contact → the one at the end of the pointers; those that are pointed at are among the keys."""
    pointers = {id_: facts.merged_into for id_, facts in contacts.items() if facts.merged_into is not None}
    return {id_: root_of(id_, pointers) for id_ in {*contacts, *pointers.values()}}
