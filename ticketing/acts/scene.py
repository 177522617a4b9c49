"""What an act finds and leaves: the ticket under its lock, who acts, and everything that is to be written."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Generic, TypeVar

import sqlalchemy as sa

from bus.model import Wire
from bus.ticket_event import Actor, TicketEventType
from bus.together import Executes
from ticketing.acts.act import Act
from ticketing.acts.desk import Desk
from ticketing.brakes import Brakes
from ticketing.decision import Decision
from ticketing.people.policy import Who
from ticketing.rows import insert_rows
from ticketing.tickets import Ticket

F = TypeVar("F")


@dataclass(frozen=True, slots=True)
class Write:
    """What an act writes of its own: a row of a table, or a statement with its values."""

    what: sa.Table | sa.TextClause
    values: dict[str, Any]

    async def by(self, connection: Executes) -> None:
        """Write it."""
        if isinstance(self.what, sa.Table):
            await insert_rows(connection, self.what, [self.values])
        else:
            await connection.execute(self.what, self.values)


@dataclass(slots=True, kw_only=True)
class Stage(Generic[F]):
    """`facts`: what the act's `read` gave. `decision`: tickets, replies, cuts to write, as filing writes them;
    `writes`: what the act keeps in tables of its own, written in this order before; `brakes`: those of confirmations,
    when one was asked for."""

    who: Who
    act: Act
    now: datetime
    desk: Desk
    facts: F
    decision: Decision = field(default_factory=lambda: Decision(by_hand=True))
    writes: list[Write] = field(default_factory=list)
    brakes: Brakes | None = None

    def tell_on(
        self, ticket: Ticket, type_: TicketEventType, data: Wire | dict[str, Any], *, actor: Actor | None = None
    ) -> None:
        """The next event of a ticket's history, now, by whoever acts unless it is another `actor`."""
        self.change(ticket)
        ticket.tell(type_, data, self.act, at=self.now, now=self.now, actor=actor or self.act.actor)

    def change(self, ticket: Ticket) -> None:
        """Let the ticket be written as it is afterwards."""
        if ticket not in self.decision.opened:
            self.decision.changed[ticket.id] = ticket

    def write(self, what: sa.Table | sa.TextClause, **values: object) -> None:
        """Write this too: a row of a table, or what a statement does."""
        self.writes.append(Write(what, values))


@dataclass(slots=True, kw_only=True)
class Scene(Stage[F]):
    """The stage of an act on one ticket: the survivor of its mergers, under its lock."""

    ticket: Ticket

    def tell(self, type_: TicketEventType, data: Wire | dict[str, Any]) -> None:
        """The next event of the ticket's history, now, by whoever acts."""
        self.tell_on(self.ticket, type_, data)
