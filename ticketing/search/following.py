"""What an event in the outbox means for the search: whose words are to be read, and from where. Pure."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, NamedTuple

_REBUILT: Final = frozenset({
    "ticket.message_revised", "ticket.updated", "ticket.merged", "ticket.absorbed", "ticket.unmerged", "ticket.split",
    "ticket.message_moved", "ticket.attachment_added",
})  # fmt: skip
"""After these a ticket's words are read anew, all of them: words may be gone."""


class Seen(NamedTuple):
    """A row of the outbox. `owner`: the ticket or contact it is about."""

    id: int
    type: str
    owner: str
    data: Mapping[str, Any]


@dataclass(slots=True)
class Work:
    """`tickets`: to read as a whole; the others: what has come to tickets that are to keep the words they have."""

    tickets: set[str] = field(default_factory=set)
    messages: set[str] = field(default_factory=set)
    answers: set[str] = field(default_factory=set)
    comments: set[str] = field(default_factory=set)
    contacts: set[str] = field(default_factory=set)

    def __bool__(self) -> bool:
        return bool(self.tickets or self.messages or self.answers or self.comments or self.contacts)


def work(seen: Iterable[Seen]) -> Work:
    """What is to be done after these events."""
    found = Work()
    for event in seen:
        if event.type.startswith("contact."):
            found.contacts.add(event.owner)
        elif event.type in _REBUILT:
            found.tickets.add(event.owner)
        elif event.type == "ticket.message_received":
            found.messages.add(event.data["message_id"])
        elif event.type == "ticket.replied":
            found.answers.add(event.data["reply_id"])
        elif event.type == "ticket.commented":
            found.comments.add(event.data["comment_id"])
        elif event.type == "ticket.opened":
            # a ticket made by hand has a subject and no message
            found.tickets.add(event.owner)
    return found
