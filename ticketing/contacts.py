"""Who wrote it: one contact per identity (kind, value). Merging and accounts come with assertions (threading §4)."""

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime

from bus.contact_event import ContactEvent
from bus.ticket_event import Actor, event_id
from ticketing.incoming import Incoming
from ticketing.outbox import Told

_LONGEST = 500
"""An identity is the key of an index, whose entries PostgreSQL limits; no real address comes near."""


@dataclass(frozen=True, slots=True)
class NewContact:
    """A contact seen for the first time, and the identity it was seen under."""

    id: str
    kind: str
    value: str
    name: str | None
    language: str | None
    message: Incoming


def identity_value(kind: str, address: str) -> str:
    """The form under which an address is looked up: mail addresses do not differ by case in practice."""
    value = address.lower() if kind == "email" else address
    if len(value) <= _LONGEST:
        return value
    return f"{value[:100]}…{hashlib.sha256(value.encode('utf-8', 'surrogatepass')).hexdigest()}"


def person_of(kind: str, address: str) -> str:
    """One text for an identity; a mail address is its own, so that authors and addressees compare."""
    value = identity_value(kind, address)
    return value if kind == "email" else f"{kind}:{value}"


class Contacts:
    """The contacts of a batch's authors: those known, and those it brings."""

    def __init__(self, known: Mapping[str, str], mint: Callable[[], str]) -> None:
        self._ids = dict(known)
        self._mint = mint
        self.new: list[NewContact] = []

    def of(self, message: Incoming) -> str:
        """The id of the author's contact."""
        found = self._ids.get(message.person)
        if found is None:
            found = self._ids[message.person] = self._mint()
            author = message.author
            value = identity_value(author.kind, author.address)
            self.new.append(NewContact(found, author.kind, value, author.name, message.language, message))
        return found


def created(contact: NewContact, now: datetime) -> Told[ContactEvent]:
    """What the world is told of a new contact: that it is there."""
    event = ContactEvent(
        event_id=event_id(contact.id, contact.message.id, 0),
        contact_id=contact.id,
        version=1,
        type="contact.created",
        occurred_at=contact.message.occurred_at,
        recorded_at=now,
        actor=Actor(kind="customer", id=contact.id),
    )
    return Told(event, contact.message.traceparent)
