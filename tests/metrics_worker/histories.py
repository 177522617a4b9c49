"""Histories of tickets: written by hand for a test that means one thing, or made by hypothesis."""

import random
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, Literal, TypeVar

from hypothesis import strategies as st

from bus.contact_event import ContactEvent
from bus.record import Received
from bus.ticket_event import Actor, TicketEvent, TicketEventType, event_id
from metrics_worker.event import ContactChange, Event, decode, decode_contact

BEGIN = datetime(2026, 3, 2, 9, tzinfo=UTC)
ActorKind = Literal["customer", "agent", "rule", "system"]


@dataclass
class Ticket:
    """A ticket that writes its own history, version by version; times are minutes after BEGIN."""

    id: str = "t1"
    number: int = 1
    contact: str = "anna"
    account: str | None = None
    begin: datetime = BEGIN
    recorded: float = 0.0
    events: list[TicketEvent] = field(default_factory=list)

    def add(self, type_: TicketEventType, at: float, *, actor: ActorKind = "system", **data: object) -> "Ticket":
        version = len(self.events) + 1
        self.recorded = max(self.recorded, at)
        self.events.append(
            TicketEvent(
                event_id=event_id(self.id, "test", version),
                ticket_id=self.id,
                number=self.number,
                version=version,
                type=type_,
                occurred_at=self.begin + timedelta(minutes=at),
                recorded_at=self.begin + timedelta(minutes=self.recorded),
                actor=Actor(kind=actor),
                contact_id=self.contact,
                account_id=self.account,
                data=data,
            )
        )
        return self

    def opened(self, at: float, channel: str = "email", *, manual: bool = False) -> "Ticket":
        actor: ActorKind = "agent" if manual else "customer"
        return self.add("ticket.opened", at, actor=actor, channel=channel, account="support", manual=manual)

    def message(
        self,
        at: float,
        channel: str = "email",
        *,
        automation: str = "human",
        actor: ActorKind = "customer",
        third_party: bool = False,
    ) -> "Ticket":
        n = len(self.events)
        when = (self.begin + timedelta(minutes=at)).isoformat()
        return self.add(
            "ticket.message_received",
            at,
            actor=actor,
            message_id=f"{self.id}-{n}",
            source_id=f"<{self.id}-{n}@example.net>",
            channel=channel,
            account="support",
            author_kind="email",
            verified=True,
            automation=automation,
            sent_at=when,
            received_at=when,
            visibility="private",
            third_party=third_party,
            match={"rule": "new", "confidence": "none", "evidence": []},
            attachments=0,
        )

    def mail(self, at: float, channel: str = "email") -> "Ticket":
        """The first message of a ticket: it opens it and stands in it."""
        return self.opened(at, channel).message(at, channel)

    def closed(self, at: float, by: ActorKind = "agent") -> "Ticket":
        return self.add("ticket.closed", at, actor=by, by=by)

    def reopened(self, at: float) -> "Ticket":
        return self.add("ticket.reopened", at, by="customer")

    def replied(self, at: float, agent: str = "sam", reply: str = "", *, actor: ActorKind = "agent") -> "Ticket":
        """Written; nothing counts before it is sent."""
        reply = reply or f"r{len(self.events)}"
        return self.add(
            "ticket.replied", at, actor=actor, reply_id=reply, agent_id=agent, visibility="private", channel="email"
        )

    def delivery(self, at: float, state: str, reply: str = "") -> "Ticket":
        """Of the last reply, unless another is named."""
        written = [event.data["reply_id"] for event in self.events if event.type == "ticket.replied"]
        return self.add("ticket.delivery_updated", at, reply_id=reply or written[-1], state=state)

    def answered(self, at: float, agent: str = "sam", reply: str = "") -> "Ticket":
        """Written and sent at once."""
        return self.replied(at, agent, reply).delivery(at, "sent")

    def assigned(self, at: float, owner: str | None, team: str | None = None) -> "Ticket":
        return self.add("ticket.assigned", at, actor="agent", owner_id=owner, team_id=team)

    def due(self, at: float, due_at: float | None, which: str = "resolution", **more: Any) -> "Ticket":  # noqa: ANN401  # data
        return self.add("ticket.due_set", at, actor="system", which=which, due_at=_text(due_at), **more)

    def overdue(self, at: float, due_at: float, which: str = "resolution") -> "Ticket":
        return self.add("ticket.became_overdue", at, which=which, due_at=_text(due_at))

    def rated(
        self, at: float, rating: str, reply: str | None = None, agent: str | None = None, *, words: bool = False
    ) -> "Ticket":
        return self.add(
            "ticket.rated", at, actor="customer", rating=rating, reply_id=reply, agent_id=agent, has_words=words
        )

    def merged(self, at: float, into: str) -> "Ticket":
        return self.add("ticket.merged", at, into=into, number=0)

    def unmerged(self, at: float) -> "Ticket":
        return self.add("ticket.unmerged", at)


def _text(at: float | None) -> str | None:
    return None if at is None else (BEGIN + timedelta(minutes=at)).isoformat()


@dataclass
class Contact:
    """A contact that writes its own history."""

    id: str = "anna"
    events: list[ContactEvent] = field(default_factory=list)

    def add(self, type_: Any, at: float = 0, **data: object) -> "Contact":  # noqa: ANN401  # a name of a type
        version, when = len(self.events) + 1, BEGIN + timedelta(minutes=at)
        self.events.append(
            ContactEvent(
                event_id=event_id(self.id, "test", version),
                contact_id=self.id,
                version=version,
                type=type_,
                occurred_at=when,
                recorded_at=when,
                actor=Actor(kind="system"),
                data=data,
            )
        )
        return self


def as_read(events: Sequence[TicketEvent], topic: str = "tickets.events") -> list[Event]:
    """The events as the worker reads them from their records."""
    return [decode(received(event, topic=topic)) for event in events]


def contacts_as_read(events: Sequence[ContactEvent]) -> list[ContactChange]:
    """The same for contacts."""
    return [decode_contact(contact_received(event)) for event in events]


def contact_received(event: ContactEvent, offset: int = 0, topic: str = "contacts.events") -> Received:
    return Received(topic, 0, offset, event.contact_id, event.to_json(), 0)


def received(event: TicketEvent, offset: int = 0, partition: int = 0, topic: str = "tickets.events") -> Received:
    return Received(topic, partition, offset, event.ticket_id, event.to_json(), 0)


_CHANNELS = ("email", "chat", "phone")
_KINDS = ("human", "human", "human", "out_of_office", "bounce", "list")
_DELIVERIES = (["sent"], ["sent"], ["queued"], ["sent", "bounced"], ["bounced", "sent"])
_NAMED: tuple[dict[str, Any], ...] = ({}, {"calendar": "tokyo", "calendar_version": 1}, {"calendar": "none"})
_TIMES = st.one_of(
    st.integers(0, 40),
    # minutes around nights, a weekend, the hour that was skipped and a holiday of the calendars of `hours.py`
    st.sampled_from((0, 1, 479, 480, 481, 7 * 60 + 59, 24 * 60, 5 * 24 * 60, 38_340, 38_400, 38_460, 40_000)),
    st.integers(0, 60 * 24 * 40),
)


@st.composite
def histories(draw: st.DrawFn, *, tickets: int = 6, length: int = 8) -> list[list[TicketEvent]]:
    """Per ticket its events in order; tickets merge into each other, also in chains and rings, and come apart.

    In the end some messages move between them, and some more happens.
    """
    made: list[Ticket] = []
    ids = [f"t{n}" for n in range(draw(st.integers(1, tickets)))]
    for number, ticket_id in enumerate(ids):
        contact, account = draw(st.sampled_from(("anna", "bob"))), draw(st.sampled_from((None, "acme")))
        ticket = Ticket(ticket_id, number, contact, account)
        manual, at = draw(st.sampled_from((False, False, False, True))), draw(_TIMES)
        ticket.opened(at, draw(st.sampled_from(_CHANNELS)), manual=manual)
        if draw(st.booleans()):
            ticket.message(at, draw(st.sampled_from(_CHANNELS)), automation=draw(st.sampled_from(_KINDS)))
        for step in draw(st.lists(st.sampled_from(_STEPS), max_size=length)):
            step(draw, ticket, draw(_TIMES), ids)
        made.append(ticket)
    messages = [event for ticket in made for event in ticket.events if event.type == "ticket.message_received"]
    for _ in range(draw(st.integers(0, 4)) if len(made) > 1 and messages else 0):
        _move(draw, made, draw(st.sampled_from(messages)))
        draw(st.sampled_from(_STEPS))(draw, draw(st.sampled_from(made)), draw(_TIMES), ids)
    return [ticket.events for ticket in made]


def _move(draw: st.DrawFn, made: Sequence[Ticket], message: TicketEvent) -> None:
    """A message goes from one ticket to another; it may be from one that was merged into the first, or be there."""
    left, right = draw(st.permutations(made))[:2]
    at, id_ = draw(_TIMES), message.data["message_id"]
    if draw(st.booleans()):
        left.add("ticket.message_moved", at, message_id=id_, direction="out", ticket_id=right.id, number=right.number)
    else:
        left.add("ticket.split", at, actor="agent", ticket_id=right.id, number=right.number, message_ids=[id_])
    right.add(
        "ticket.message_moved",
        at,
        message_id=id_,
        direction="in",
        ticket_id=left.id,
        number=left.number,
        channel=message.data["channel"],
        automation=message.data["automation"],
        occurred_at=message.occurred_at.isoformat(),
    )


def _message(draw: st.DrawFn, ticket: Ticket, at: int, ids: Sequence[str]) -> None:
    del ids
    actor: ActorKind = draw(st.sampled_from(("customer", "customer", "system", "agent")))
    ticket.message(at, draw(st.sampled_from(_CHANNELS)), automation=draw(st.sampled_from(_KINDS)), actor=actor)


def _answer(draw: st.DrawFn, ticket: Ticket, at: int, ids: Sequence[str]) -> None:
    del ids
    ticket.replied(at, draw(st.sampled_from(("sam", "kim"))), actor=draw(st.sampled_from(("agent", "agent", "rule"))))
    states: list[str] = draw(st.sampled_from(_DELIVERIES))
    for state in states:
        ticket.delivery(at + draw(st.integers(0, 3)), state)


def _turn(draw: st.DrawFn, ticket: Ticket, at: int, ids: Sequence[str]) -> None:
    del ids
    match draw(st.integers(0, 4)):
        case 0 | 1:
            ticket.closed(at, draw(st.sampled_from(("agent", "agent", "customer", "rule"))))
        case 2:
            ticket.reopened(at)
        case 3:
            ticket.add("ticket.status_changed", at, actor="agent", old="open", new="closed")
        case _:
            ticket.add("ticket.status_changed", at, actor="agent", old="open", new="on_hold")


def _merge(draw: st.DrawFn, ticket: Ticket, at: int, ids: Sequence[str]) -> None:
    others = [other for other in ids if other != ticket.id]
    if others and draw(st.integers(0, 2)) > 0:
        ticket.merged(at, draw(st.sampled_from(others)))
    else:
        ticket.unmerged(at)


def _due(draw: st.DrawFn, ticket: Ticket, at: int, ids: Sequence[str]) -> None:
    del ids
    which = draw(st.sampled_from(("resolution", "first_response")))
    due_at = at + draw(st.integers(-5, 20))
    match draw(st.integers(0, 4)):
        case 0 | 1:
            named: dict[str, Any] = draw(st.sampled_from(_NAMED))
            ticket.due(at, due_at, which, **named)
        case 2:
            ticket.due(at, due_at, which).overdue(due_at, due_at, which)
        case 3:
            ticket.overdue(at, due_at, which)
        case _:
            ticket.due(at, None, which)


def _rate(draw: st.DrawFn, ticket: Ticket, at: int, ids: Sequence[str]) -> None:
    del ids
    replies = [event.data["reply_id"] for event in ticket.events if event.type == "ticket.replied"]
    reply = draw(st.sampled_from((None, "unknown", *replies)))
    agent = draw(st.sampled_from((None, "kim")))
    ticket.rated(at, draw(st.sampled_from(("good", "ok", "bad"))), reply, agent, words=draw(st.booleans()))


def _other(draw: st.DrawFn, ticket: Ticket, at: int, ids: Sequence[str]) -> None:
    del ids
    match draw(st.integers(0, 5)):
        case 5:
            account = draw(st.sampled_from((None, "acme", "other")))
            ticket.add("ticket.updated", at, fields={"account_id": [ticket.account, account], "subject": None})
        case 0:
            ticket.add(draw(st.sampled_from(("ticket.spam_marked", "ticket.spam_unmarked"))), at)
        case 1 | 2:
            ticket.assigned(at, draw(st.sampled_from((None, "sam"))), draw(st.sampled_from((None, "first"))))
        case 3:
            ticket.contact = draw(st.sampled_from(("anna", "bob")))
            ticket.account = draw(st.sampled_from((None, "acme", "other")))
            ticket.add("ticket.confirmed", at, reply_id="r")
        case _:
            ticket.add("ticket.commented", at, actor="agent", comment_id="c")


@st.composite
def contact_histories(draw: st.DrawFn, *, length: int = 5) -> list[list[ContactEvent]]:
    """Per contact its events in order: they move, merge, come apart, and say what they think."""
    made: list[list[ContactEvent]] = []
    ids = ("anna", "bob", "cleo")
    for id_ in ids:
        account_id = draw(st.sampled_from((None, "acme")))
        contact = Contact(id_).add("contact.created", account_id=account_id)
        for step in draw(st.lists(st.integers(0, 6), max_size=length)):
            at = draw(_TIMES)
            match step:
                case 0 | 1:
                    contact.add("contact.feedback_received", at, message_id=f"{id_}{at}", channel="web_form")
                case 2 | 3:
                    contact.add("contact.merged", at, into=draw(st.sampled_from([i for i in ids if i != id_])))
                case 4:
                    contact.add("contact.unmerged", at)
                case 5:
                    contact.add("contact.moved", at, to=draw(st.sampled_from((None, "acme", "other"))))
                case _:
                    contact.add(draw(st.sampled_from(("contact.updated", "contact.erased"))), at)
        made.append(contact.events)
    return made


_STEPS = (_message, _message, _answer, _answer, _turn, _turn, _merge, _due, _rate, _other)


Told = TypeVar("Told", TicketEvent, ContactEvent)


def interleaved(of_tickets: Sequence[Sequence[Told]], rng: random.Random) -> list[Told]:
    """Everything in one order that the topic allows: each ticket's events in theirs."""
    turns = [n for n, events in enumerate(of_tickets) for _ in events]
    rng.shuffle(turns)
    left = [iter(events) for events in of_tickets]
    return [next(left[n]) for n in turns]


def batches(events: Sequence[TicketEvent], rng: random.Random) -> list[Sequence[TicketEvent]]:
    """The events cut anywhere, each cut at times repeating what came before it."""
    found: list[Sequence[TicketEvent]] = []
    at = 0
    while at < len(events):
        size = rng.randint(1, 5)
        begin = max(0, at - 2) if rng.random() < 0.2 else at
        found.append(events[begin : at + size])
        at += size
    return found
