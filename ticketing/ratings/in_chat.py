"""A visitor says in the chat's window how it was: the message is filed, and the conversation is rated. Pure."""

from dataclasses import dataclass
from datetime import datetime

from bus.ticket_event import Actor
from bus.ticket_event_data import Rated
from ticketing.incoming import Incoming
from ticketing.tickets import Ticket

MOST_TIMES = 20
"""So often a rating can be changed: each change is an event that is kept for ever."""


@dataclass(frozen=True, slots=True)
class Answered:
    """Whose latest answer it is that is rated, and how often the conversation was rated already."""

    agent_id: str
    times: int


@dataclass(frozen=True, slots=True)
class RatedInChat:
    """To be kept as what was said by a link is: of the whole conversation."""

    ticket_id: str
    agent_id: str
    rating: str
    words: str | None
    times: int
    at: datetime


def rate(ticket: Ticket, message: Incoming, answered: Answered | None, now: datetime) -> RatedInChat | None:
    """Tell it on the ticket. None when nobody has answered, as there is nothing to rate, or too often."""
    if message.rating is None or answered is None or answered.times >= MOST_TIMES:
        return None
    rating, words = message.rating
    event = Rated(rating=rating, agent_id=answered.agent_id, has_words=words is not None)
    actor = Actor(kind="customer", id=ticket.contact_id)
    ticket.tell("ticket.rated", event, message, at=message.occurred_at, now=now, actor=actor)
    return RatedInChat(ticket.id, answered.agent_id, rating, words, answered.times + 1, now)
