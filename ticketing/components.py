"""Which messages, tickets and machines' mails belong together: the components of the graph under trusted edges."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from ticketing.graph import Graph, Name, Node, fresh_group, ticket_group
from ticketing.incoming import Incoming
from ticketing.trust import knowledge


@dataclass(frozen=True, slots=True)
class Component:
    """What a batch joins. `tickets` (survivors' ids) and `automatic` (groups) exist already; `fresh` is never empty."""

    fresh: tuple[Incoming, ...]
    tickets: tuple[str, ...]
    automatic: tuple[str, ...]

    @property
    def opens(self) -> bool:
        """Whether it needs a new ticket."""
        return not self.tickets and any(message.opens for message in self.fresh)


class _Union:
    def __init__(self) -> None:
        self._parent: dict[str, str] = {}

    def find(self, key: str) -> str:
        parent = self._parent.setdefault(key, key)
        while parent != (above := self._parent[parent]):
            self._parent[key] = above
            key, parent = parent, above
        return parent

    def join(self, groups: Iterable[str]) -> None:
        first: str | None = None
        for group in groups:
            found = self.find(group)
            if first is None:
                first = found
            elif found != first:
                self._parent[found] = first

    def members(self) -> Iterator[str]:
        return iter(self._parent)


def components(graph: Graph, fresh: Sequence[Incoming]) -> list[Component]:
    """Every component with a fresh message, in the order of the first of each."""
    union = _Union()
    for message in fresh:
        union.join([fresh_group(message.id), *_tickets(message, graph)])
    threads = {message.thread for message in fresh}
    for value, name in graph.names.items():
        if not name.mentions or len(name.owners) + len(name.mentions) < 2:
            continue
        for groups in _conversation(name) if value in threads else _joined(name):
            union.join(groups)
    by_key = {fresh_group(message.id): message for message in fresh}
    found: defaultdict[str, tuple[list[Incoming], list[str], list[str]]] = defaultdict(lambda: ([], [], []))
    for message in fresh:
        found[union.find(fresh_group(message.id))][0].append(message)
    for member in union.members():
        root = union.find(member)
        if member in by_key or root not in found:
            continue
        kind, _, id_ = member.partition(":")
        _, tickets, automatic = found[root]
        (tickets if kind == "ticket" else automatic).append(id_)
    return [Component(tuple(f), tuple(sorted(t)), tuple(sorted(a))) for f, t, a in found.values()]


def _tickets(message: Incoming, graph: Graph) -> Iterator[str]:
    known = [message.signed, *([{ticket} for ticket, _ in message.answered] if knowledge(message) else [])]
    return (ticket_group(graph.survivors[t]) for tickets in known for t in tickets if t in graph.survivors)


def _conversation(name: Name) -> Iterator[list[str]]:
    yield [node.group for node in name.mentions if knowledge(node)]


def _joined(name: Name) -> Iterator[list[str]]:
    """The sets of groups that one name joins."""
    mentions = [node for node in name.mentions if knowledge(node)]
    if name.owners and mentions:
        yield [node.group for node in (*name.owners, *mentions)]
    elif len(mentions) > 1:
        yield from _acquainted(mentions)


def _acquainted(mentions: Sequence[Node]) -> Iterator[list[str]]:
    """By an ancestor in common that nobody has seen: each author's messages, and those addressed to that author."""
    heard: defaultdict[str, list[str]] = defaultdict(list)
    for node in mentions:
        heard[node.person].append(node.group)
    for node in mentions:
        for person in node.addressed:
            if person in heard:
                heard[person].append(node.group)
    yield from heard.values()


def lost_roots(graph: Graph, fresh: Sequence[Incoming]) -> set[str]:
    """Filed messages that began a conversation until now, when what they name has arrived."""
    return {
        node.id
        for message in fresh
        for node in graph.mentions(message.own, besides=message.id)
        if node.is_root and knowledge(node) and not node.group.startswith("fresh:")
    }
