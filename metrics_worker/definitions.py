"""The definitions of the figures, as data: two people who count by hand come to the same number."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Definition:
    """A figure's id, the version of its definition, its name, its unit, and what it counts and what not.

    `by`: the id goes on with a point and a value of this kind (`by_channel.email`).
    """

    id: str
    version: int
    name: str
    unit: str
    counts: str
    by: str | None = None

    @property
    def reference(self) -> str:
        """How a published figure names its definition."""
        return f"{self.id}@{self.version}"


_TICKETS = (
    "Tickets whose contact is X (for an account: that were opened under account X; for an agent or a team: that are "
    "assigned to X; for the desk: all), each counted once however often it was closed and reopened. Tickets marked "
    "as spam are excluded. Tickets merged into another count as that one, under the survivor's contact, account, "
    "agent and team. Whose a ticket is, is what its latest event says."
)

DEFINITIONS: tuple[Definition, ...] = (
    Definition("total", 1, "Tickets", "tickets", f"{_TICKETS} total = open + closed at every moment."),
    Definition(
        "open",
        1,
        "Open tickets",
        "tickets",
        f"Of total, those that are not closed: open, on hold or escalated. {_TICKETS}",
    ),
    Definition(
        "closed",
        1,
        "Closed tickets",
        "tickets",
        f"Of total, those whose last change of status, in the order in which the desk recorded them, closed them. "
        f"A merged ticket's own status does not count, its survivor's does. {_TICKETS}",
    ),
    Definition(
        "by_channel",
        1,
        "Tickets by channel",
        "tickets",
        "Of total, those whose earliest event, by event time, among the opening and the customers' messages of the "
        f"ticket and of all that was merged into it came by this channel; the channels sum to total. {_TICKETS}",
        by="channel",
    ),
    Definition(
        "messages_by_channel",
        1,
        "Customers' messages by channel",
        "messages",
        "Messages that a human who is not an agent wrote to the tickets of total, and to those merged into them, by "
        "the channel of each message; a third party's message is one. Not counted: automatic messages (auto-reply, "
        "out of office, bounce, feedback report, list, bulk, system), duplicates, agents' messages, comments, "
        "messages of spam tickets. A message that is edited or removed afterwards stays counted, once.",
        by="channel",
    ),
)

_BY_ID = {definition.id: definition for definition in DEFINITIONS}

ALWAYS = ("total", "open", "closed")
"""Figures that stand in every document, also when they are 0; another that is absent is 0."""


def definition_of(figure: str) -> Definition | None:
    """The definition of a figure's id (`by_channel.email`); None when there is no such figure."""
    name, point, value = figure.partition(".")
    found = _BY_ID.get(name)
    if found is None or bool(point) != (found.by is not None) or (point and not value):
        return None
    return found
