"""What is known of one ticket, from its own events alone: the facts that figures are made of."""

import json
from dataclasses import dataclass
from typing import Literal, NamedTuple

FactKind = Literal["opened", "customer_message", "closed", "reopened"]


class Fact(NamedTuple):
    """One thing that counts. `at`: event time in microseconds since 1970. Sorts by (event time, event id)."""

    at: int
    event_id: str
    kind: FactKind
    channel: str | None = None


@dataclass(frozen=True, slots=True)
class TicketFacts:
    """A ticket after its event `version`.

    `facts` are sorted and stay for ever, whatever the ticket is merged into. The other fields are what the events
    up to `version` say last, in the order of versions: the order in which the desk decided.

    `merged_into`: the pointer that `ticket.merged` set and `ticket.unmerged` took away.
    `turn`: id of the last event that closed or reopened the ticket.
    """

    ticket_id: str
    number: int
    version: int
    contact_id: str | None = None
    account_id: str | None = None
    owner_id: str | None = None
    team_id: str | None = None
    merged_into: str | None = None
    spam: bool = False
    turn: str | None = None
    facts: tuple[Fact, ...] = ()

    def fact(self, event_id: str) -> Fact | None:
        """The fact that an event gave."""
        return next((fact for fact in self.facts if fact.event_id == event_id), None)

    @property
    def turning_point(self) -> Fact | None:
        """The closing or reopening in force; None: open since it was opened."""
        return self.fact(self.turn) if self.turn else None

    @property
    def closed(self) -> bool:
        """Whether the desk holds it for closed."""
        turned = self.turning_point
        return turned is not None and turned.kind == "closed"

    def to_json(self) -> str:
        """A compact document: a list, in the order of the fields."""
        return _encode(
            (
                self.ticket_id,
                self.number,
                self.version,
                self.contact_id,
                self.account_id,
                self.owner_id,
                self.team_id,
                self.merged_into,
                self.spam,
                self.turn,
                self.facts,
            )
        )

    @staticmethod
    def from_json(document: str) -> "TicketFacts":
        """What `to_json` wrote."""
        values = json.loads(document)
        values[-1] = tuple([Fact(*fact) for fact in values[-1]])
        return TicketFacts(*values)


_encode = json.JSONEncoder(separators=(",", ":"), ensure_ascii=False, check_circular=False).encode
