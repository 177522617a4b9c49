"""The closed filter language of ticket lists, and what it means in SQL. Pure.

A filter is a value (TicketFilter), so that it can be kept and sent as JSON; every field becomes a condition that
stands here as it is, and what was given travels beside it as a parameter: no text ever becomes a name or an operator.
"""

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from typing import Annotated, Any, Final, Literal, NamedTuple

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from bus.message import Channel, Priority
from bus.ticket_event import Status
from ticketing.api.orders import DUE, RANK, RANKS, Order
from ticketing.people.policy import Who

WORD: Final = r"^[^\x00-\x1f\x7f]{1,200}$"
Word = Annotated[str, Field(pattern=WORD)]
Id = Annotated[str, Field(pattern=r"^[A-Za-z0-9_.:-]{1,100}$")]
Day = AwareDatetime
NONE: Final = "none"
ME: Final = "me"


class TicketFilter(BaseModel):
    """Which tickets. A field given more than once means any of its values (`tags`: all of them); fields add up.

    `none` asks for tickets without one, `me` for whoever asks. `awaiting`: whose turn it is on a ticket that is not
    closed. `spam`: what was marked so is in a list of its own. `text`: words that all stand in it, in its subject,
    messages, answers, notes, files' names, contact.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    status: list[Status] = []
    owner: list[Id] = []
    team: list[Id] = []
    department: list[Annotated[str, Field(max_length=200, pattern=r"^[^\x00-\x1f\x7f]*$")]] = []
    contact: list[Id] = []
    account: list[Id] = []
    channel: list[Channel] = []
    connector: list[Word] = []
    priority: list[Priority] = []
    category: list[Word] = []
    kind: list[Literal["problem", "question", "thanks", "none"]] = []
    tags: list[Word] = []
    overdue: bool | None = None
    spam: bool = False
    awaiting: Literal["agent", "customer"] | None = None
    due_after: Day | None = None
    due_before: Day | None = None
    opened_after: Day | None = None
    opened_before: Day | None = None
    updated_after: Day | None = None
    updated_before: Day | None = None
    last_message_after: Day | None = None
    last_message_before: Day | None = None
    closed_after: Day | None = None
    closed_before: Day | None = None
    text: Annotated[str, Field(min_length=1, max_length=200, pattern=r"^[^\x00]*$")] | None = None

    @property
    def narrow(self) -> bool:
        """Whether it asks for something that few tickets have, and that an index leads to."""
        return bool(self.contact or self.account)

    def selective(self, order: Order, now: datetime) -> bool:
        """Whether it asks for anything that few tickets may have, and that an index leads to. A priority is no such
        thing where the order leads to it."""
        recent = (getattr(self, f"{name}_after") for name in _MOMENTS)
        return bool(
            self.narrow
            or self.text
            or self.owner
            or self.team
            or self.department
            or self.channel
            or self.connector
            or (self.priority and order.key != RANK)
            or self.category
            or self.kind
            or self.tags
            or self.spam
            or any(getattr(self, f"{name}_before") for name in _MOMENTS)
            or any(after is not None and after > now - _RECENT for after in recent)
        )


class Condition(NamedTuple):
    """A piece of a WHERE over `desk.tickets t`, and the values of its parameters."""

    sql: str
    values: dict[str, Any]


_ANY_OF: Final = {
    "status": "t.status = ANY(CAST(:status AS text[]))",
    "owner": "t.owner_id = ANY(CAST(:owner AS text[]))",
    "team": "t.team_id = ANY(CAST(:team AS text[]))",
    "department": "t.department = ANY(CAST(:department AS text[]))",
    "contact": "t.contact_id IN "
    "(SELECT coalesce(k.root_id, k.id) FROM desk.contacts k WHERE k.id = ANY(CAST(:contact AS text[])))",
    "account": "t.account_id = ANY(CAST(:account AS text[]))",
    "channel": "t.channel = ANY(CAST(:channel AS text[]))",
    "connector": "t.account = ANY(CAST(:connector AS text[]))",
    "priority": f"{RANK} = ANY(CAST(:priority AS int[]))",
    "category": "t.category = ANY(CAST(:category AS text[]))",
    "kind": "t.ticket_kind = ANY(CAST(:kind AS text[]))",
}
_WITHOUT: Final = {
    "owner": "t.owner_id IS NULL",
    "team": "t.team_id IS NULL",
    "account": "t.account_id IS NULL",
    "category": "t.category IS NULL",
    "kind": "t.ticket_kind IS NULL",
}
_ALL_TAGS: Final = "t.tags @> CAST(:tags AS text[])"
# a closed ticket has no due time
_OVERDUE: Final = {
    True: "t.due_at < CAST(:overdue AS timestamptz)",
    False: "(t.due_at IS NULL OR t.due_at >= CAST(:overdue AS timestamptz))",
}
# an absorbed ticket's answers count for the one that it is part of
_ANSWERED: Final = (
    "EXISTS (SELECT 1 FROM desk.answers w JOIN desk.tickets x ON x.id = w.ticket_id "
    "WHERE x.root_id = t.id AND w.created_at >= t.last_message_at)"
)
_AWAITING: Final = {
    "agent": f"t.status <> 'closed' AND NOT {_ANSWERED}",
    "customer": f"t.status <> 'closed' AND {_ANSWERED}",
}
_MOMENTS: Final = {
    "due": DUE,
    "opened": "t.opened_at",
    "updated": "t.updated_at",
    "last_message": "t.last_message_at",
    "closed": "t.closed_at",
}


_RECENT: Final = timedelta(days=30)
"""What has happened since then is few, whatever a desk is like."""


def conditions(asked: TicketFilter, who: Who, now: datetime) -> Iterator[Condition]:
    """The conditions of a filter, but for its text (ticketing.api.search)."""
    for name, sql in _ANY_OF.items():
        if given := getattr(asked, name):
            yield _any_of(name, sql, given, who)
    yield Condition("t.spam = CAST(:spam AS bool)", {"spam": asked.spam})
    if asked.tags:
        yield Condition(_ALL_TAGS, {"tags": list(asked.tags)})
    if asked.overdue is not None:
        yield Condition(_OVERDUE[asked.overdue], {"overdue": now})
    if asked.awaiting is not None:
        yield Condition(_AWAITING[asked.awaiting], {})
    for name, column in _MOMENTS.items():
        if (after := getattr(asked, f"{name}_after")) is not None:
            yield Condition(f"{column} >= CAST(:{name}_after AS timestamptz)", {f"{name}_after": after})
        if (before := getattr(asked, f"{name}_before")) is not None:
            yield Condition(f"{column} < CAST(:{name}_before AS timestamptz)", {f"{name}_before": before})


def _any_of(name: str, sql: str, given: Sequence[str], who: Who) -> Condition:
    if name == "priority" and len(given) == 1:  # then the order by priority is an order by number
        return Condition(f"{RANK} = CAST(:priority AS int)", {name: RANKS[given[0]]})
    if name == "priority":
        return Condition(sql, {name: [RANKS[each] for each in given]})
    if name not in _WITHOUT:
        return Condition(sql, {name: list(given)})
    named = [who.agent_id if name == "owner" and each == ME else each for each in given if each != NONE]
    if NONE not in given:
        return Condition(sql, {name: named})
    return Condition(f"({sql} OR {_WITHOUT[name]})", {name: named}) if named else Condition(_WITHOUT[name], {})
