"""The figures counted by hand: plain loops over raw events, written from the definitions without the product's code."""

from collections import Counter
from collections.abc import Iterable, Sequence

from bus.ticket_event import TicketEvent

Counted = dict[tuple[str, str], int]


def count(events: Iterable[TicketEvent]) -> Counted:
    """(key, figure) → number, zeros left out."""
    of_ticket: dict[str, list[TicketEvent]] = {}
    for event in events:
        known = of_ticket.setdefault(event.ticket_id, [])
        if event.version > len(known):
            known.append(event)
    into = {ticket: pointer for ticket, known in of_ticket.items() if (pointer := _pointer(known)) is not None}
    groups: dict[str, list[str]] = {}
    for ticket in of_ticket:
        groups.setdefault(_survivor(ticket, into), []).append(ticket)
    found: Counter[tuple[str, str]] = Counter()
    for survivor, tickets in groups.items():
        if survivor not in of_ticket or _spam(of_ticket[survivor]):
            continue
        counting = [
            event for each in tickets if each == survivor or not _spam(of_ticket[each]) for event in of_ticket[each]
        ]
        for key in _whose(of_ticket[survivor]):
            found[key, "total"] += 1
            found[key, "closed" if _closed(of_ticket[survivor]) else "open"] += 1
            messages = [event for event in counting if _customers(event)]
            for event in messages:
                found[key, f"messages_by_channel.{event.data['channel']}"] += 1
            ways = [*messages, *(event for event in counting if event.type == "ticket.opened")]
            first = min(ways, key=lambda event: (event.occurred_at, event.event_id))
            found[key, f"by_channel.{first.data['channel']}"] += 1
    return {key: n for key, n in found.items() if n}


def _customers(event: TicketEvent) -> bool:
    return (
        event.type == "ticket.message_received" and event.data["automation"] == "human" and event.actor.kind != "agent"
    )


def _pointer(events: Sequence[TicketEvent]) -> str | None:
    into = None
    for event in events:
        if event.type == "ticket.merged":
            into = str(event.data["into"])
        elif event.type == "ticket.unmerged":
            into = None
    return into


def _survivor(ticket: str, into: dict[str, str]) -> str:
    path = [ticket]
    while path[-1] in into:
        if into[path[-1]] in path:
            return min(path[path.index(into[path[-1]]) :])
        path.append(into[path[-1]])
    return path[-1]


def _spam(events: Sequence[TicketEvent]) -> bool:
    marks = [event.type for event in events if event.type in ("ticket.spam_marked", "ticket.spam_unmarked")]
    return bool(marks) and marks[-1] == "ticket.spam_marked"


def _closed(events: Sequence[TicketEvent]) -> bool:
    turns = [event.type for event in events if event.type in ("ticket.closed", "ticket.reopened")]
    return bool(turns) and turns[-1] == "ticket.closed"


def _whose(events: Sequence[TicketEvent]) -> list[str]:
    keys = ["desk"]
    contacts = [event.contact_id for event in events if event.contact_id]
    accounts = [event.account_id for event in events if event.account_id]
    assigned = [event.data for event in events if event.type == "ticket.assigned"]
    if contacts:
        keys.append(f"contact:{contacts[-1]}")
    if accounts:
        keys.append(f"account:{accounts[-1]}")
    if assigned and assigned[-1]["owner_id"]:
        keys.append(f"agent:{assigned[-1]['owner_id']}")
    if assigned and assigned[-1]["team_id"]:
        keys.append(f"team:{assigned[-1]['team_id']}")
    return keys
