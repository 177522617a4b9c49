"""A desk in memory for the pure part alone, and the answer by definition to compare it with."""

import itertools
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from bus.reply import Reply
from ticketing.arrivals import Filed, arrivals
from ticketing.components import components, lost_roots
from ticketing.confirm import Opening, Suppressed
from ticketing.decide import Deciding
from ticketing.decision import Decision, FiledMessage, Known
from ticketing.graph import Naming, Node, automatic_group, graph, ticket_group
from ticketing.incoming import Incoming
from ticketing.match import Match
from ticketing.tickets import Requester, Ticket

Outcome = frozenset[tuple[frozenset[str], str, int, int, datetime, datetime]]
"""Of each ticket: its messages, its requester, counts of messages and attachments, first and last time."""


def _silent(_: Opening) -> Suppressed:
    return Suppressed("off")


@dataclass
class MemoryDesk:
    """Files batches of decoded messages as `ticketing.filing` does, on dicts instead of tables."""

    now: datetime
    messages: dict[str, FiledMessage] = field(default_factory=dict)
    ticket_of: dict[str, str | None] = field(default_factory=dict)
    group_of: dict[str, str | None] = field(default_factory=dict)
    roots: dict[str, bool] = field(default_factory=dict)
    tickets: dict[str, Ticket] = field(default_factory=dict)
    survivor: dict[str, str] = field(default_factory=dict)
    contacts: dict[str, str] = field(default_factory=dict)
    events: list[tuple[str, int, str]] = field(default_factory=list)
    duplicates: int = 0
    confirm: Callable[[Opening], Reply | Suppressed] = _silent

    def __post_init__(self) -> None:
        self._ids = (f"{n:032x}" for n in itertools.count(1))
        self._numbers = itertools.count(1)

    def count_from(self, number: int) -> None:
        """Give the next ticket this number."""
        self._numbers = itertools.count(number)

    def file(self, batch: Sequence[Incoming]) -> Decision:
        """One batch."""
        filed = {id_: self._filed(m) for id_, m in self.messages.items()}
        sorted_ = arrivals(batch, filed)
        seen = graph(self._namings(), sorted_.fresh, self.survivor)
        joined = components(seen, sorted_.fresh)
        lost = lost_roots(seen, sorted_.fresh)
        alive = {id_: t for id_, t in self.tickets.items() if self.survivor[id_] == id_}
        known = Known(
            tickets=alive,
            candidates={id_: self._openers(id_, lost) for id_, t in alive.items() if t.requester_message_id in lost},
            automatic=self._automatic(),
            contacts=self.contacts,
            filed=filed,
            numbers=[next(self._numbers) for c in joined if c.opens],
        )
        decision = Deciding(known, seen, self.confirm, lambda: next(self._ids), self.now)(joined, sorted_)
        self._apply(decision, lost)
        self.duplicates += sum(s.outcome == "duplicate" for s in sorted_.settled)
        return decision

    def _filed(self, m: FiledMessage) -> Filed:
        ticket = self.ticket_of[m.message.id]
        where = self.survivor[ticket] if ticket else None
        return Filed(m.message.id, m.message.revision, m.message.normalizer, m.message.raw, where)

    def _namings(self) -> Iterable[Naming]:
        for id_, filed in self.messages.items():
            m = filed.message
            ticket = self.ticket_of[id_]
            group = ticket_group(self.survivor[ticket]) if ticket else automatic_group(str(self.group_of[id_]))
            node = Node(id_, group, m.person, m.addressed, m.forged, self.roots[id_])
            yield Naming(m.own, own=True, node=node)
            for name in m.named:
                yield Naming(name.value, own=False, node=node)

    def _openers(self, ticket_id: str, lost: set[str]) -> list[Requester]:
        return [
            Requester(id_, str(m.contact_id), m.message.received_at, self.roots[id_] and id_ not in lost)
            for id_, m in self.messages.items()
            if m.message.opens and (own := self.ticket_of[id_]) and self.survivor[own] == ticket_id
        ]

    def _automatic(self) -> dict[str, list[tuple[Incoming, Match]]]:
        found: defaultdict[str, list[tuple[Incoming, Match]]] = defaultdict(list)
        for id_, group in self.group_of.items():
            if group is not None:
                found[group].append((self.messages[id_].message, self.messages[id_].place.match))
        return found

    def _apply(self, decision: Decision, lost: set[str]) -> None:
        for contact in decision.contacts:
            self.contacts[contact.value] = contact.id
        for ticket in (*decision.opened, *decision.changed.values()):
            self.tickets[ticket.id] = ticket
            self.survivor.setdefault(ticket.id, ticket.id)
            self.events += [(e.value.ticket_id, e.value.version, e.value.event_id) for e in ticket.history]
        self.survivor = {id_: decision.absorbed.get(root, root) for id_, root in self.survivor.items()}
        for m in decision.messages:
            self.messages[m.message.id] = m
            self.ticket_of[m.message.id], self.group_of[m.message.id] = m.ticket_id, m.automatic_group
            self.roots[m.message.id] = m.place.is_root
        for id_ in lost:
            self.roots[id_] = False
        self.group_of = {id_: decision.regrouped.get(g, g) if g else None for id_, g in self.group_of.items()}
        for id_, ticket_id in decision.attached.items():
            self.ticket_of[id_], self.group_of[id_] = ticket_id, None

    def outcome(self) -> Outcome:
        """What must not depend on the order."""
        people = {contact: person for person, contact in self.contacts.items()}
        members: defaultdict[str, set[str]] = defaultdict(set)
        for id_, ticket in self.ticket_of.items():
            if ticket is not None:
                members[self.survivor[ticket]].add(id_)
        return frozenset(
            (frozenset(ids), people[t.contact_id], t.messages, t.attachments, t.opened_at, t.last_message_at)
            for root, ids in members.items()
            for t in (self.tickets[root],)
        )


def by_definition(messages: Sequence[Incoming], tickets: dict[str, str]) -> Outcome:
    """The same from threading.md word by word, pair by pair. `tickets`: ticket id → a message that is in it."""
    part = {m.id: m.id for m in messages}

    def join(one: str, other: str) -> None:
        keep, drop = part[one], part[other]
        for id_, root in part.items():
            if root == drop:
                part[id_] = keep

    for m in messages:
        for ticket in m.signed:
            join(tickets[ticket], m.id)
        for other in messages:
            if m.id != other.id and (_references(m, other) or _share(m, other)):
                join(m.id, other.id)
    found: defaultdict[str, list[Incoming]] = defaultdict(list)
    for m in messages:
        found[part[m.id]].append(m)
    return frozenset(_ticket(group, messages) for group in found.values() if any(m.opens for m in group))


def _ticket(
    group: Sequence[Incoming], messages: Sequence[Incoming]
) -> tuple[frozenset[str], str, int, int, datetime, datetime]:
    openers = [m for m in group if m.opens]
    roots = [m for m in openers if not m.signed and not any(_references(m, o) for o in messages if o.id != m.id)]
    first = min(roots or openers, key=lambda m: (m.received_at, m.id))
    times = [m.occurred_at for m in openers]
    ids = frozenset(m.id for m in group)
    return ids, first.person, len(openers), sum(m.attachments for m in openers), min(times), max(times)


def _values(m: Incoming) -> set[UUID]:
    return {name.value for name in m.named}


def _references(m: Incoming, other: Incoming) -> bool:
    return not m.forged and other.own in _values(m)


def _share(m: Incoming, other: Incoming) -> bool:
    known = m.person == other.person or m.person in other.addressed or other.person in m.addressed
    return known and not m.forged and not other.forged and bool(_values(m) & _values(other))
