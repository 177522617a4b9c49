"""What goes into deciding on a batch, and what comes out."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from bus.contact_event import ContactEvent
from bus.reply import Reply
from bus.ticket_event import TicketEvent
from ticketing.arrivals import Filed
from ticketing.brakes import Brakes
from ticketing.contacts import Assertion, NewContact, People
from ticketing.cuts import Cut
from ticketing.delivery import Delivery
from ticketing.ends import LaterEnd
from ticketing.incoming import Incoming
from ticketing.match import Match, Place
from ticketing.outbox import Told
from ticketing.ratings.in_chat import Answered, RatedInChat
from ticketing.tickets import Requester, Ticket


@dataclass(frozen=True, slots=True)
class Known:
    """What the desk knows of a batch's components.

    `tickets`: survivors by id. `candidates`: all that may be requester, of tickets whose requester's message is no
    root any more. `automatic`: members of machines' groups, with how they were matched. `people`: the authors.
    `deliveries`: by the Message-IDs that bounces of the batch name; the tickets they were written in are among
    `tickets`, merged or not. `numbers`: one for each ticket to open. `elders`: of tickets that are taken up again,
    those from which they were cut away. `numbers_of`: of tickets that something may be a reply to. `answered`: of
    tickets that are rated, whose answer it is.
    """

    tickets: Mapping[str, Ticket] = field(default_factory=dict)
    candidates: Mapping[str, Sequence[Requester]] = field(default_factory=dict)
    automatic: Mapping[str, Sequence[tuple[Incoming, Match]]] = field(default_factory=dict)
    contacts: Mapping[str, str] = field(default_factory=dict)
    people: People = field(default_factory=People)
    deliveries: Mapping[str, Delivery] = field(default_factory=dict)
    filed: Mapping[str, Filed] = field(default_factory=dict)
    numbers: Sequence[int] = ()
    elders: Mapping[str, Collection[str]] = field(default_factory=dict)
    numbers_of: Mapping[str, int] = field(default_factory=dict)
    answered: Mapping[str, Answered] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class FiledMessage:
    """A message and where it goes: a ticket, or a group of machines' mail."""

    message: Incoming
    ticket_id: str | None
    automatic_group: str | None
    contact_id: str | None
    place: Place


@dataclass(slots=True)
class Decision:
    """Everything to write. `attached`: machines' messages → the ticket they turned out to refer to;
    `regrouped`: machines' groups → the group they became part of; `absorbed`: tickets → their survivors; `ends`:
    filed messages of which something is known only now; `brakes`: those that its confirmations have moved.

    `owed`: what the clocks of these tickets had to tell before; it is stored already, but for the outbox.
    `by_hand`: an agent decided, so that what only agents change of tickets is written too. `taken`:
    messages that were kept aside, and of which somebody has made a ticket.

    `accounts`: keys of new accounts → their ids; `grown`: contacts with an identity more → their versions;
    `languages`: contacts → what they speak now. `words`: replies → the digest of what they answer.
    `authors`: contacts, each with a filed message of which it is known only now that he wrote it.
    """

    contacts: list[NewContact] = field(default_factory=list)
    accounts: dict[str, str] = field(default_factory=dict)
    assertions: list[Assertion] = field(default_factory=list)
    grown: dict[str, int] = field(default_factory=dict)
    languages: dict[str, str] = field(default_factory=dict)
    opened: list[Ticket] = field(default_factory=list)
    changed: dict[str, Ticket] = field(default_factory=dict)
    absorbed: dict[str, str] = field(default_factory=dict)
    messages: list[FiledMessage] = field(default_factory=list)
    attached: dict[str, str] = field(default_factory=dict)
    regrouped: dict[str, str] = field(default_factory=dict)
    cuts: list[Cut] = field(default_factory=list)
    ends: list[LaterEnd] = field(default_factory=list)
    replies: list[Told[Reply]] = field(default_factory=list)
    words: dict[str, str | None] = field(default_factory=dict)
    authors: list[tuple[str, Incoming]] = field(default_factory=list)
    bounced: list[Delivery] = field(default_factory=list)
    contact_events: list[Told[ContactEvent]] = field(default_factory=list)
    brakes: Brakes | None = None
    by_hand: bool = False
    owed: list[Told[TicketEvent]] = field(default_factory=list)
    taken: list[Incoming] = field(default_factory=list)
    rated: list[RatedInChat] = field(default_factory=list)

    @property
    def ticket_events(self) -> Iterator[Told[TicketEvent]]:
        """The history this batch writes, ticket by ticket."""
        return (told for ticket in (*self.opened, *self.changed.values()) for told in ticket.history)

    @property
    def to_tell(self) -> list[Told[TicketEvent]]:
        """For the outbox: what was owed, then this."""
        return [*self.owed, *self.ticket_events]
