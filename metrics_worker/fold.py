"""One event more: the facts of a ticket after it. Pure."""

from bisect import insort

from bus.errors import Invalid
from metrics_worker.event import Event
from metrics_worker.facts import Fact, FactKind, TicketFacts


def fold(facts: TicketFacts | None, event: Event) -> TicketFacts:
    """The facts after `event`; unchanged when they know it already.

    Raises Invalid when events of the ticket are missing between the two: figures must not pass over a gap.
    """
    seen = facts.version if facts else 0
    if facts is not None and event.version <= seen:
        return facts
    if event.version != seen + 1:
        raise Invalid(f"ticket {event.ticket_id}: event {event.version} follows {seen}; what lies between is missing")
    before = facts or TicketFacts(event.ticket_id, event.number, 0)
    fact, turns = _fact(event)
    merged_into, spam = before.merged_into, before.spam
    owner_id, team_id = before.owner_id, before.team_id
    match event.type:
        case "ticket.merged":
            if event.data.into is None:
                raise Invalid(f"ticket {event.ticket_id}: merged into nothing")
            merged_into = event.data.into
        case "ticket.unmerged":
            merged_into = None
        case "ticket.spam_marked" | "ticket.spam_unmarked":
            spam = event.type == "ticket.spam_marked"
        case "ticket.assigned":
            owner_id, team_id = event.data.owner_id, event.data.team_id
    return TicketFacts(
        before.ticket_id,
        before.number,
        event.version,
        # an event that names nobody says nothing about whose the ticket is
        event.contact_id or before.contact_id,
        event.account_id or before.account_id,
        owner_id,
        team_id,
        merged_into,
        spam,
        event.event_id if turns else before.turn,
        _with(before.facts, fact) if fact else before.facts,
    )


def _fact(event: Event) -> tuple[Fact | None, bool]:
    """The fact an event gives, and whether it closes or reopens the ticket."""
    kind: FactKind
    match event.type:
        case "ticket.opened":
            kind = "opened"
        case "ticket.message_received":
            # a machine's message is nobody's, and an agent may write from a mail client
            if event.data.automation != "human" or event.actor.kind == "agent":
                return None, False
            kind = "customer_message"
        case "ticket.closed":
            kind = "closed"
        case "ticket.reopened":
            kind = "reopened"
        case "ticket.status_changed":
            kind = "closed" if event.data.new == "closed" else "reopened"
        case _:
            return None, False
    if kind in ("opened", "customer_message") and event.data.channel is None:
        raise Invalid(f"ticket {event.ticket_id}: {event.type} names no channel")
    return Fact(event.at, event.event_id, kind, event.data.channel), kind in ("closed", "reopened")


def _with(facts: tuple[Fact, ...], fact: Fact) -> tuple[Fact, ...]:
    if not facts or facts[-1] < fact:
        return (*facts, fact)
    found = list(facts)
    insort(found, fact)
    return tuple(found)
