"""What an act finds and leaves: the ticket under its lock, who acts, and everything that is to be written."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Generic, TypeVar

import sqlalchemy as sa

from bus.model import Wire
from bus.ticket_event import TicketEventType
from ticketing.acts.act import Act
from ticketing.acts.desk import Desk
from ticketing.decision import Decision
from ticketing.people.policy import Who
from ticketing.tickets import Ticket

F = TypeVar("F")


@dataclass(frozen=True, slots=True)
class Write:
    """A statement of an act's own, with its values."""

    statement: sa.Executable
    values: dict[str, Any]


@dataclass(slots=True)
class Scene(Generic[F]):
    """`facts`: what the act's `read` gave. `decision`: tickets, replies, cuts to write, as filing writes them;
    `writes`: what the act keeps in tables of its own, written in this order before."""

    ticket: Ticket
    who: Who
    act: Act
    now: datetime
    desk: Desk
    facts: F
    decision: Decision = field(default_factory=lambda: Decision(by_hand=True))
    writes: list[Write] = field(default_factory=list)

    def tell(self, type_: TicketEventType, data: Wire | dict[str, Any], *, on: Ticket | None = None) -> None:
        """The next event of the ticket's history (or another one's), now, by whoever acts."""
        ticket = self.change(on)
        ticket.tell(type_, data, self.act, at=self.now, now=self.now, actor=self.act.actor)

    def change(self, ticket: Ticket | None = None) -> Ticket:
        """Let the ticket (or another one) be written as it is afterwards."""
        ticket = ticket or self.ticket
        if ticket not in self.decision.opened:
            self.decision.changed[ticket.id] = ticket
        return ticket

    def write(self, statement: sa.Executable, **values: object) -> None:
        """Write this too."""
        self.writes.append(Write(statement, values))
