"""Which messages, tickets and machines' mails belong together: the components of the graph under trusted edges."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from ticketing import edges, trust
from ticketing.graph import Graph, Name, Node, fresh_group, ticket_group
from ticketing.incoming import Incoming
from ticketing.policy import Policy


@dataclass(frozen=True, slots=True)
class Component:
    """What a batch joins. `tickets` (survivors' ids) and `automatic` (groups) exist already; `fresh` is empty only
    where there is nothing but tickets to merge. `follows`: closed tickets that a new ticket takes up again."""

    fresh: tuple[Incoming, ...]
    tickets: tuple[str, ...]
    automatic: tuple[str, ...]
    follows: tuple[str, ...] = ()

    @property
    def opens(self) -> bool:
        """Whether it needs a new ticket."""
        return not self.tickets and any(message.opens for message in self.fresh)


class Union:
    """Disjoint sets of keys."""

    def __init__(self) -> None:
        self._parent: dict[str, str] = {}

    def find(self, key: str) -> str:
        """The key that stands for this one's set."""
        parent = self._parent.setdefault(key, key)
        while parent != (above := self._parent[parent]):
            self._parent[key] = above
            key, parent = parent, above
        return parent

    def join(self, groups: Iterable[str]) -> None:
        """Make one set of all."""
        first: str | None = None
        for group in groups:
            found = self.find(group)
            if first is None:
                first = found
            elif found != first:
                self._parent[found] = first

    def members(self) -> Iterator[str]:
        """Every key that was ever named."""
        return iter(self._parent)


def components(graph: Graph, fresh: Sequence[Incoming]) -> list[Component]:
    """Every component with a fresh message, in the order of the first of each."""
    union = Union()
    for message in fresh:
        union.join([fresh_group(message.id), *(ticket_group(root) for root in _claimed(message, graph))])
    threads = {message.thread for message in fresh}
    for value, name in graph.names.items():
        if not name.mentions or len(name.owners) + len(name.mentions) < 2:
            continue
        for groups in _conversation(name) if value in threads else _joined(name, graph.policy):
            union.join(groups)
    return collect(union, fresh)


def collect(union: Union, fresh: Sequence[Incoming]) -> list[Component]:
    """The sets with a message of `fresh`, as components, in the order of the first of each."""
    by_key = {fresh_group(message.id) for message in fresh}
    found: defaultdict[str, tuple[list[Incoming], list[str], list[str]]] = defaultdict(lambda: ([], [], []))
    for message in fresh:
        found[union.find(fresh_group(message.id))][0].append(message)
    for member in list(union.members()):
        root = union.find(member)
        if member in by_key or root not in found:
            continue
        kind, _, id_ = member.partition(":")
        _, tickets, automatic = found[root]
        (tickets if kind == "ticket" else automatic).append(id_)
    return [Component(tuple(f), tuple(sorted(t)), tuple(sorted(a))) for f, t, a in found.values()]


def _claimed(message: Incoming, graph: Graph) -> Iterator[str]:
    if message.signed or message.answered or message.numbers:
        yield from (standing.root for standing in edges.tokens(message, graph))
        yield from (standing.root for _, standing, _ in edges.ours(message, graph))
        yield from (standing.root for standing in edges.numbered(message, graph))


def _conversation(name: Name) -> Iterator[list[str]]:
    yield [node.group for node in name.mentions if edges.in_conversation(node)]


def _joined(name: Name, policy: Policy) -> Iterator[list[str]]:
    """The sets of groups that one name joins."""
    sole, alone = name.sole, False
    for node in name.mentions:
        joined = [
            owner.group for owner in name.owners if owner.id != node.id and trust.names(node, owner, policy, sole=sole)
        ]
        if joined:
            yield [node.group, *joined]
        alone = alone or not joined
    if alone and len(name.mentions) > 1:
        yield from _shared(name, policy)


def _shared(name: Name, policy: Policy) -> Iterator[list[str]]:
    """By an ancestor in common: each author's messages, and those addressed to that author.

    Of messages in the order of reception it is enough to look at the nearest ones: whoever is near enough to one
    further away is joined to it through these.
    """
    for heard in name.heard.values():
        if not heard.authored:
            continue
        authored = [node for node in heard.authored if trust.sharing(node, policy)]
        yield from _pairs(authored, authored[1:], policy)
        at = 0
        for node in heard.addressed:
            if not trust.sharing(node, policy):
                continue
            while at < len(authored) and authored[at].received_at < node.received_at:
                at += 1
            around = authored[max(0, at - 1) : at + 1]
            yield from _pairs([node] * len(around), around, policy)


def _pairs(ones: Sequence[Node], others: Sequence[Node], policy: Policy) -> Iterator[list[str]]:
    for one, other in zip(ones, others, strict=False):
        if trust.near(one, other, policy):
            yield [one.group, other.group]
