"""What is known of one ticket, from its own events alone: the facts that figures are made of."""

import json
from collections.abc import Sequence
from typing import Any, Final, Literal, NamedTuple

FactKind = Literal[
    "opened",
    "customer_message",
    "agent_response",
    "rated",
    "became_overdue",
    "closed",
    "reopened",
    "feedback",
    "moved_away",
]
KINDS: Final[tuple[FactKind, ...]] = (
    "opened",
    "customer_message",
    "agent_response",
    "rated",
    "became_overdue",
    "closed",
    "reopened",
    "feedback",
    "moved_away",
)
OPENED, MESSAGE, RESPONSE, RATED, OVERDUE, CLOSED, REOPENED, FEEDBACK, MOVED = range(len(KINDS))
"""Codes of the kinds. Of facts of one instant a question comes before its answer, so these are in that order."""

Opening = Literal["waits", "hand", "live", "machine"]
"""How a ticket was opened: by a customer who waits; by an agent's hand; by hand during a call; by a machine's mail."""


class Fact(NamedTuple):
    """One thing that counts. Sorts by (event time, question before answer, event id).

    `at`: event time in microseconds since 1970, not before what it answers. `day`: the desk's local day of it.

    | code | what | about | agent | calendar | words |
    |---|---|---|---|---|---|
    | OPENED | channel | Opening | | | |
    | MOVED | | beginning of the id of a message that went to another ticket | | | |
    | MESSAGE, FEEDBACK | channel | beginning of the message's id | | | |
    | RESPONSE | | reply | who wrote it | measured with it, when another than the desk's | |
    | RATED | rating | reply, None: the conversation | who is rated | | whether words came with it |
    | OVERDUE | which clock | | | | |
    | CLOSED, REOPENED | agent, customer or rule | | who did it, if an agent | as above | |

    `desk`: version of the desk's calendar that was in force.
    """

    at: int
    code: int
    event_id: str
    day: int
    desk: int
    what: str | None = None
    about: str | None = None
    agent: str | None = None
    calendar: str | None = None
    words: bool = False

    @property
    def kind(self) -> FactKind:
        """The name of its code."""
        return KINDS[self.code]


class Due(NamedTuple):
    """A clock of a ticket: set at `set_at` to pass at `due_at` (microseconds); `overdue`: the fact that it did."""

    which: str
    due_at: int
    set_at: int
    overdue: Fact | None = None


class Reply(NamedTuple):
    """An agent's reply; its response cannot be dated before `floor`, the newest question that the agent could see."""

    reply_id: str
    agent: str
    floor: int


class TicketFacts(NamedTuple):
    """A ticket after its event `version`.

    `facts` are sorted and stay, whatever the ticket is merged into; `turns` are its closings and reopenings in the
    order in which the desk decided them, each not before the one it follows. The other fields are what the events up
    to `version` say last, but for `account_id`: the account at opening.

    `merged_into`: the pointer that `ticket.merged` set and `ticket.unmerged` took away. `calendar`: `<id>@<version>`
    that an event named, None: the desk's. `resolved`: a resolution was written.
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
    resolved: bool = False
    calendar: str | None = None
    facts: tuple[Fact, ...] = ()
    turns: tuple[Fact, ...] = ()
    replies: tuple[Reply, ...] = ()
    dues: tuple[Due, ...] = ()

    @property
    def closed(self) -> bool:
        """Whether the desk holds it for closed."""
        return bool(self.turns) and self.turns[-1].code == CLOSED

    def to_json(self) -> str:
        """A compact document: a list, in the order of the fields; of facts without the defaults at their end."""
        return _encode(
            (
                *self[:11],
                [_short(fact) for fact in self.facts],
                [_short(fact) for fact in self.turns],
                self.replies,
                [(*due[:3], _short(due.overdue) if due.overdue else None) for due in self.dues],
            )
        )

    @staticmethod
    def from_json(document: str) -> "TicketFacts":
        """What `to_json` wrote."""
        *values, facts, turns, replies, dues = json.loads(document)
        values += (
            tuple([Fact(*fact) for fact in facts]),
            tuple([Fact(*fact) for fact in turns]),
            tuple([Reply(*reply) for reply in replies]),
            tuple([Due(which, at, set_at, Fact(*fact) if fact else None) for which, at, set_at, fact in dues]),
        )
        return TicketFacts(*values)


def short_form(facts: Sequence[Fact]) -> list[Any]:
    """Facts as they are kept, without the defaults at their end."""
    return [_short(fact) for fact in facts]


def _short(fact: Fact) -> tuple[Any, ...]:
    n = 10
    while n > 5 and (fact[n - 1] is None or fact[n - 1] is False):
        n -= 1
    return fact[:n]


_encode = json.JSONEncoder(separators=(",", ":"), ensure_ascii=False, check_circular=False).encode
