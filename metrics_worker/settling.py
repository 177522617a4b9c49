"""What a batch of events changes: facts, groups and counters. Pure."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from bus.calendars import ONLY_STANDARD, Calendars
from metrics_worker.contacts import ContactFacts, feedback_of, fold_contact, roots_of
from metrics_worker.contribution import Contribution, Marks, contribution, has_days
from metrics_worker.event import ContactChange, Event
from metrics_worker.facts import TicketFacts
from metrics_worker.fold import fold
from metrics_worker.groups import MergeGroup, groups_of

DayKey = tuple[str, int]


class Stored(NamedTuple):
    """A ticket's facts as they are kept, with the root of its merge group; of a root the marks of its group."""

    facts: TicketFacts
    root_id: str
    marks: Marks = Marks()


class StoredContact(NamedTuple):
    """A contact's facts as they are kept, with the contact that its group goes by."""

    facts: ContactFacts
    root_id: str


Counters = defaultdict[str, int]


def _into(sums: Counters, counters: Mapping[str, int], sign: int) -> None:
    for counter, n in counters.items():
        sums[counter] += sign * n


def _counters() -> Counters:
    return defaultdict(int)


@dataclass(frozen=True, slots=True)
class Change:
    """What is to be written: rows that changed, and what is to be added to counters.

    `touched`: keys whose figures are other ones though no counter of theirs has changed.
    """

    tickets: list[Stored] = field(default_factory=list)
    contacts: list[StoredContact] = field(default_factory=list)
    deltas: defaultdict[str, Counters] = field(default_factory=lambda: defaultdict(_counters))
    days: defaultdict[DayKey, Counters] = field(default_factory=lambda: defaultdict(_counters))
    touched: set[str] = field(default_factory=set)

    def add(self, added: Contribution, sign: int) -> None:
        """Add what a group contributes, or take it away."""
        for keys, counters, by_day in added.shares:
            for key in keys:
                _into(self.deltas[key], counters, sign)
                if has_days(key):
                    for day, some in by_day.items():
                        _into(self.days[key, day], some, sign)

    def add_feedback(self, contact: ContactFacts, sign: int) -> None:
        """The same for what a contact adds by itself."""
        for key, fact in feedback_of(contact):
            self.deltas[key]["feedback"] += sign
            if has_days(key):
                self.days[key, fact.day]["feedback"] += sign

    def without_zeros(self) -> "Change":
        """The same without what has come out as no change."""
        for found in (self.deltas, self.days):
            for key in list(found):
                counters = found[key]  # type: ignore[index]  # a key of its own
                for counter in [counter for counter, n in counters.items() if not n]:
                    del counters[counter]
                if not counters:
                    del found[key]  # type: ignore[arg-type]  # as above
        return self


def involved(events: Iterable[Event]) -> set[str]:
    """The tickets that events speak of. Whoever settles them loads these, and the merge groups of all of them."""
    found: set[str] = set()
    for event in events:
        found.add(event.ticket_id)
        if (into := event.data.get("into")) is not None:
            found.add(into)
    return found


def contacts_involved(events: Iterable[ContactChange]) -> set[str]:
    """The same for contacts."""
    return {id_ for event in events for id_ in (event.contact_id, event.data.get("into")) if id_ is not None}


def settle(
    stored: Mapping[str, Stored],
    events: Sequence[Event],
    contacts: Mapping[str, StoredContact] | None = None,
    changes: Sequence[ContactChange] = (),
    calendars: Calendars = ONLY_STANDARD,
) -> Change:
    """The change that events make to what is stored: all of `involved`, with their merge groups.

    Raises Invalid as `fold` does.
    """
    change = Change()
    if events:
        _settle_tickets(change, stored, events, calendars)
    if changes:
        _settle_contacts(change, contacts or {}, changes, calendars)
    return change.without_zeros()


def _settle_tickets(
    change: Change, stored: Mapping[str, Stored], events: Sequence[Event], calendars: Calendars
) -> None:
    before = {ticket_id: row.facts for ticket_id, row in stored.items()}
    after = dict(before)
    for event in events:
        after[event.ticket_id] = fold(after.get(event.ticket_id), event, calendars)
    groups, former = groups_of(after), groups_of(before)
    for root_id, group in groups.items():
        was, root = former.pop(root_id, None), stored.get(root_id)
        if was is not None and root is not None and _counts_the_same(was, group):
            marks = root.marks
        else:
            adding = contribution(group, calendars)
            marks = adding.marks
            change.add(adding, 1)
            if was is not None:
                change.add(contribution(was, calendars), -1)
        members = [Stored(facts, root_id) for facts in group.members]
        for new in (*members, Stored(group.root, root_id, marks)) if group.root else members:
            row = stored.get(new.facts.ticket_id)
            if row is None or row.facts is not new.facts or row[1:] != new[1:]:
                change.tickets.append(new)
    for was in former.values():
        change.add(contribution(was, calendars), -1)


def _counts_the_same(one: MergeGroup, other: MergeGroup) -> bool:
    """Whether nothing but versions is different."""
    if one.root is None or other.root is None or len(one.members) != len(other.members):
        return False
    pairs = zip((one.root, *one.members), (other.root, *other.members), strict=True)
    return all(a[:2] == b[:2] and a[3:] == b[3:] for a, b in pairs)


def _settle_contacts(
    change: Change, stored: Mapping[str, StoredContact], events: Sequence[ContactChange], calendars: Calendars
) -> None:
    before = {id_: row.facts for id_, row in stored.items()}
    after = dict(before)
    for event in events:
        facts = fold_contact(after.get(event.contact_id), event, calendars)
        if facts is not None:
            after[event.contact_id] = facts
    roots, former = roots_of(after), {id_: row.root_id for id_, row in stored.items()}
    for id_, root_id in roots.items():
        facts = after.get(id_) or ContactFacts(id_, 0)
        if former.get(id_) != root_id or before.get(id_) is not facts:
            change.contacts.append(StoredContact(facts, root_id))
    # whoever shares a group with one that came or went shows another sum
    shaken = {id_ for id_ in roots if former.get(id_, id_) != roots[id_]}
    moved = {root for id_ in shaken for root in (roots[id_], former.get(id_, id_))}
    change.touched.update(f"contact:{id_}" for id_ in roots if roots[id_] in moved or former.get(id_) in moved)
    for id_, facts in after.items():
        if before.get(id_) is not facts:
            change.add_feedback(facts, 1)
            if id_ in before:
                change.add_feedback(before[id_], -1)
