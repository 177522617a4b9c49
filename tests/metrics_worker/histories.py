"""Histories of tickets: written by hand for a test that means one thing, or made by hypothesis."""

import random
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Literal

from hypothesis import strategies as st

from bus.record import Received
from bus.ticket_event import Actor, TicketEvent, TicketEventType, event_id
from metrics_worker.event import Event, decode

BEGIN = datetime(2026, 3, 2, 9, tzinfo=UTC)
ActorKind = Literal["customer", "agent", "rule", "system"]


@dataclass
class Ticket:
    """A ticket that writes its own history, version by version; times are minutes after BEGIN."""

    id: str = "t1"
    number: int = 1
    contact: str = "anna"
    account: str | None = None
    events: list[TicketEvent] = field(default_factory=list)

    def add(self, type_: TicketEventType, at: int, *, actor: ActorKind = "system", **data: object) -> "Ticket":
        version = len(self.events) + 1
        self.events.append(
            TicketEvent(
                event_id=event_id(self.id, "test", version),
                ticket_id=self.id,
                number=self.number,
                version=version,
                type=type_,
                occurred_at=BEGIN + timedelta(minutes=at),
                recorded_at=BEGIN + timedelta(minutes=1000 + version),
                actor=Actor(kind=actor),
                contact_id=self.contact,
                account_id=self.account,
                data=data,
            )
        )
        return self

    def opened(self, at: int, channel: str = "email", *, manual: bool = False) -> "Ticket":
        actor: ActorKind = "agent" if manual else "customer"
        return self.add("ticket.opened", at, actor=actor, channel=channel, account="support", manual=manual)

    def message(
        self,
        at: int,
        channel: str = "email",
        *,
        automation: str = "human",
        actor: ActorKind = "customer",
        third_party: bool = False,
    ) -> "Ticket":
        n = len(self.events)
        when = (BEGIN + timedelta(minutes=at)).isoformat()
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

    def mail(self, at: int, channel: str = "email") -> "Ticket":
        """The first message of a ticket: it opens it and stands in it."""
        return self.opened(at, channel).message(at, channel)

    def closed(self, at: int) -> "Ticket":
        return self.add("ticket.closed", at, actor="agent", by="agent")

    def reopened(self, at: int) -> "Ticket":
        return self.add("ticket.reopened", at, by="customer")

    def merged(self, at: int, into: str) -> "Ticket":
        return self.add("ticket.merged", at, into=into, number=0)

    def unmerged(self, at: int) -> "Ticket":
        return self.add("ticket.unmerged", at)


def as_read(events: Sequence[TicketEvent], topic: str = "tickets.events") -> list[Event]:
    """The events as the worker reads them from their records."""
    return [decode(received(event, topic=topic)) for event in events]


def received(event: TicketEvent, offset: int = 0, partition: int = 0, topic: str = "tickets.events") -> Received:
    return Received(topic, partition, offset, event.ticket_id, event.to_json(), 0)


_CHANNELS = ("email", "chat", "phone")
_KINDS = ("human", "human", "human", "out_of_office", "bounce", "list")


@st.composite
def histories(draw: st.DrawFn, *, tickets: int = 6, length: int = 8) -> list[list[TicketEvent]]:
    """Per ticket its events in order; tickets merge into each other, also in chains and rings, and come apart."""
    made: list[list[TicketEvent]] = []
    ids = [f"t{n}" for n in range(draw(st.integers(1, tickets)))]
    for number, ticket_id in enumerate(ids):
        ticket = Ticket(
            ticket_id, number, draw(st.sampled_from(("anna", "bob"))), draw(st.sampled_from((None, "acme")))
        )
        ticket.opened(draw(st.integers(0, 30)), draw(st.sampled_from(_CHANNELS)))
        for step in draw(st.lists(st.integers(0, 11), max_size=length)):
            _step(draw, ticket, step, ids)
        made.append(ticket.events)
    return made


def _step(draw: st.DrawFn, ticket: Ticket, step: int, ids: Sequence[str]) -> None:
    at = draw(st.integers(0, 30))
    if step <= 3:
        ticket.message(at, draw(st.sampled_from(_CHANNELS)), automation=draw(st.sampled_from(_KINDS)))
    elif step == 4:
        ticket.closed(at)
    elif step == 5:
        ticket.reopened(at)
    elif step in (6, 7):
        others = [other for other in ids if other != ticket.id]
        if others:
            ticket.merged(at, draw(st.sampled_from(others)))
    elif step == 8:
        ticket.unmerged(at)
    elif step == 9:
        ticket.add(draw(st.sampled_from(("ticket.spam_marked", "ticket.spam_unmarked"))), at)
    elif step == 10:
        ticket.add("ticket.assigned", at, owner_id=draw(st.sampled_from((None, "sam"))), team_id="first")
    else:
        ticket.contact = draw(st.sampled_from(("anna", "bob")))
        ticket.add("ticket.confirmed", at, reply_id="r")


def interleaved(of_tickets: Sequence[Sequence[TicketEvent]], rng: random.Random) -> list[TicketEvent]:
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
