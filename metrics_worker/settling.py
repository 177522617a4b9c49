"""What a batch of events changes: facts, groups and counters. Pure."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from metrics_worker.contribution import MetricKey, contribution
from metrics_worker.event import Event
from metrics_worker.facts import TicketFacts
from metrics_worker.fold import fold
from metrics_worker.groups import groups_of


@dataclass(frozen=True, slots=True)
class Stored:
    """A ticket's facts as they are kept, with the root of its merge group."""

    facts: TicketFacts
    root_id: str


@dataclass(frozen=True, slots=True)
class Change:
    """What is to be written: tickets that changed, and what is to be added to counters (never 0)."""

    tickets: list[Stored] = field(default_factory=list)
    deltas: dict[MetricKey, int] = field(default_factory=dict)


def involved(events: Iterable[Event]) -> set[str]:
    """The tickets that events speak of. Whoever settles them loads these, and the merge groups of all of them."""
    found: set[str] = set()
    for event in events:
        found.add(event.ticket_id)
        if event.data.into is not None:
            found.add(event.data.into)
    return found


def settle(stored: Mapping[str, Stored], events: Sequence[Event]) -> Change:
    """The change that events make to `stored`, which holds all of `involved` and of their merge groups.

    Raises Invalid as `fold` does.
    """
    before = {ticket_id: row.facts for ticket_id, row in stored.items()}
    after = dict(before)
    for event in events:
        after[event.ticket_id] = fold(after.get(event.ticket_id), event)
    groups = groups_of(after)
    roots = {
        facts.ticket_id: root
        for root, group in groups.items()
        for facts in ((*group.members, group.root) if group.root else group.members)
    }
    tickets = [
        Stored(facts, roots[ticket_id])
        for ticket_id, facts in after.items()
        if (row := stored.get(ticket_id)) is None or row.facts is not facts or row.root_id != roots[ticket_id]
    ]
    deltas: defaultdict[MetricKey, int] = defaultdict(int)
    for group in groups.values():
        for key, n in contribution(group).items():
            deltas[key] += n
    for group in groups_of(before).values():
        for key, n in contribution(group).items():
            deltas[key] -= n
    return Change(tickets, {key: n for key, n in deltas.items() if n})
