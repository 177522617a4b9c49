"""Merge groups: the tickets that count as one, whatever the order in which their events were read. Pure."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from heapq import merge
from typing import NamedTuple

from metrics_worker.facts import MESSAGE, MOVED, Fact, TicketFacts


class MergeGroup(NamedTuple):
    """A ticket and all that went into it. `root` None: nothing of the survivor itself has been read yet."""

    root_id: str
    root: TicketFacts | None
    members: tuple[TicketFacts, ...] = ()

    @property
    def union(self) -> Sequence[Fact]:
        """The facts of all, sorted; a member that is spam has none to give, and what was moved away is not there."""
        assert self.root is not None
        facts: Sequence[Fact] = self.root.facts
        if self.members:
            facts = list(merge(facts, *(member.facts for member in self.members if not member.spam)))
        return _present(facts) if _moved(facts) else facts


def _moved(facts: Sequence[Fact]) -> bool:
    """Whether a message went, or came twice: from one member to another whose events were not all read yet."""
    came: set[str | None] = set()
    for fact in facts:
        if fact.code == MOVED or (fact.code == MESSAGE and fact.about in came):
            return True
        if fact.code == MESSAGE:
            came.add(fact.about)
    return False


def _present(facts: Sequence[Fact]) -> Sequence[Fact]:
    """Without messages that have gone: there is one that came once more often than it went, in whatever order."""
    balance: defaultdict[str | None, int] = defaultdict(int)
    for fact in facts:
        if fact.code in (MESSAGE, MOVED):
            balance[fact.about] += 1 if fact.code == MESSAGE else -1
    found: list[Fact] = []
    for fact in facts:
        if fact.code == MESSAGE:
            if balance[fact.about] <= 0:
                continue
            balance[fact.about] = 0  # it is there once
        if fact.code != MOVED:
            found.append(fact)
    return found


def root_of(id_: str, pointers: Mapping[str, str | None]) -> str:
    """The survivor at the end of the pointers, which need not be among them.

    Pointers of different tickets are read at different times, so that for a moment they may form a ring: then its
    smallest id stands for it.
    """
    seen = [id_]
    while (following := pointers.get(seen[-1])) is not None:
        if following in seen:
            return min(seen[seen.index(following) :])
        seen.append(following)
    return seen[-1]


def groups_of(tickets: Mapping[str, TicketFacts]) -> dict[str, MergeGroup]:
    """All groups among the tickets, by the id of their root."""
    pointers = {ticket_id: facts.merged_into for ticket_id, facts in tickets.items() if facts.merged_into}
    if not pointers:
        return {ticket_id: MergeGroup(ticket_id, facts) for ticket_id, facts in tickets.items()}
    members: dict[str, list[TicketFacts]] = defaultdict(list)
    for ticket_id, facts in tickets.items():
        root = root_of(ticket_id, pointers)
        found = members[root]
        if ticket_id != root:
            found.append(facts)
    return {
        root: MergeGroup(root, tickets.get(root), tuple(sorted(found, key=lambda facts: facts.ticket_id)))
        for root, found in members.items()
    }
