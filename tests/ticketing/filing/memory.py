"""A desk in memory, for the pure part alone."""

import itertools
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from bus.reply import Reply
from ticketing.arrivals import Copy, Filed, arrivals
from ticketing.components import components
from ticketing.confirm import Opening, Suppressed
from ticketing.decide import Deciding
from ticketing.decision import Decision, FiledMessage, Known
from ticketing.ends import later_ends
from ticketing.graph import Claims, Naming, Node, Standing, automatic_group, graph, ticket_group
from ticketing.incoming import Incoming
from ticketing.match import Match
from ticketing.policy import Policy
from ticketing.tickets import Requester, Ticket

Outcome = frozenset[tuple[frozenset[str], str, frozenset[str], int, int, datetime, datetime]]
"""Of each ticket: its messages, its requester, which messages are third parties', counts of messages and attachments,
first and last time. A message that two mailboxes got is one: what follows a `~` in its id is left away."""


def _silent(_: Opening) -> Suppressed:
    return Suppressed("off")


@dataclass
class MemoryDesk:
    """Files batches of decoded messages as `ticketing.filing` does, on dicts instead of tables."""

    now: datetime
    policy: Policy = field(default_factory=Policy)
    messages: dict[str, FiledMessage] = field(default_factory=dict)
    ticket_of: dict[str, str | None] = field(default_factory=dict)
    group_of: dict[str, str | None] = field(default_factory=dict)
    ends: dict[str, tuple[bool, bool]] = field(default_factory=dict)
    """Of each message whether it is a root, and whether its author is acquainted with what it names."""
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
        copies = [
            Copy(m.message.own, m.message.fingerprint, m.message.account, filed[id_])
            for id_, m in self.messages.items()
            if m.message.fingerprint is not None
        ]
        sorted_ = arrivals(batch, filed, copies)
        seen = graph(self._namings(), sorted_.fresh, self._claims(), self.policy)
        joined = components(seen, sorted_.fresh)
        ends = later_ends(seen, sorted_.fresh)
        lost = set(ends)
        alive = {id_: t for id_, t in self.tickets.items() if self.survivor[id_] == id_}
        known = Known(
            tickets=alive,
            candidates={id_: self._openers(id_, lost) for id_, t in alive.items() if t.requester_message_id in lost},
            automatic=self._automatic(),
            contacts=self.contacts,
            filed=filed,
            numbers=[next(self._numbers) for c in joined if c.opens],
        )
        decision = Deciding(known, seen, self.confirm, lambda: next(self._ids), self.now)(
            joined, sorted_, list(ends.values())
        )
        self._apply(decision)
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
            node = Node(
                id_,
                group,
                m.person,
                m.addressed,
                m.forged,
                m.authentic,
                m.received_at,
                *self.ends[id_],
                filed.place.match.rule == "reply_token",
            )
            yield Naming(m.own, own=True, node=node)
            for name in m.named:
                yield Naming(name.value, own=False, node=node)

    def _claims(self) -> Claims:
        standings = {
            id_: Standing(id_, root, self.tickets[id_].number, self.policy.department(self.tickets[id_].account))
            for id_, root in self.survivor.items()
        }
        return Claims(standings)

    def _openers(self, ticket_id: str, lost: set[str]) -> list[Requester]:
        return [
            Requester(id_, str(m.contact_id), m.message.received_at, self.ends[id_][0] and id_ not in lost)
            for id_, m in self.messages.items()
            if m.message.opens and (own := self.ticket_of[id_]) and self.survivor[own] == ticket_id
        ]

    def _automatic(self) -> dict[str, list[tuple[Incoming, Match]]]:
        found: defaultdict[str, list[tuple[Incoming, Match]]] = defaultdict(list)
        for id_, group in self.group_of.items():
            if group is not None:
                found[group].append((self.messages[id_].message, self.messages[id_].place.match))
        return found

    def _apply(self, decision: Decision) -> None:
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
            self.ends[m.message.id] = m.place.is_root, m.place.acquainted
        for end in decision.ends:
            self.ends[end.message_id] = False, end.acquainted
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
            (
                plain(ids),
                people[t.contact_id],
                plain(id_ for id_ in ids if self.ends[id_] == (False, False)),
                t.messages,
                t.attachments,
                t.opened_at,
                t.last_message_at,
            )
            for root, ids in members.items()
            for t in (self.tickets[root],)
        )


def plain(ids: Iterable[str]) -> frozenset[str]:
    """Ids without the mailbox that got a copy."""
    return frozenset(id_.partition("~")[0] for id_ in ids)
