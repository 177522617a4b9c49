"""The graph of messages: who owns a name, who mentions it, and what that joins (threading §2).

A name is any id ever mentioned, whether its message was received or not (jwz's empty containers). Joining goes
name by name, so a name that thousands mention costs thousands of steps, not millions of pairs.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from uuid import UUID

from ticketing.incoming import Incoming
from ticketing.trust import knowledge


@dataclass(frozen=True, slots=True)
class Node:
    """A message in the graph. `group`: what it is part of already (see the three functions below)."""

    id: str
    group: str
    person: str
    addressed: frozenset[str]
    forged: bool
    is_root: bool


@dataclass(frozen=True, slots=True)
class Naming:
    """A filed message owns a name, or mentions it."""

    value: UUID
    own: bool
    node: Node


def ticket_group(root_id: str) -> str:
    """All messages of a ticket and of those merged into it."""
    return f"ticket:{root_id}"


def automatic_group(group: str) -> str:
    """Mail of machines that belongs together and to no ticket."""
    return f"automatic:{group}"


def fresh_group(message_id: str) -> str:
    """A message of this batch, by itself."""
    return f"fresh:{message_id}"


@dataclass(slots=True)
class Name:
    """One name, with its owners and those who mention it."""

    owners: list[Node] = field(default_factory=list)
    mentions: list[Node] = field(default_factory=list)
    _people: tuple[Counter[str], Counter[str]] | None = None

    def is_shared(self, message: Incoming) -> bool:
        """Whether another mention is acquainted with this message, which mentions it too and is believed."""
        if len(self.mentions) < 2:
            return False
        if self._people is None:
            believed = [node for node in self.mentions if knowledge(node)]
            self._people = (
                Counter(node.person for node in believed),
                Counter(person for node in believed for person in node.addressed),
            )
        authors, addressees = self._people
        person, addressed = message.person, message.addressed
        return (
            authors[person] > 1
            or addressees[person] > (person in addressed)
            or any(authors[other] > (other == person) for other in addressed)
        )


@dataclass(frozen=True, slots=True)
class Graph:
    """The names that a batch touches. `survivors`: a ticket's id → the ticket it is part of today."""

    names: Mapping[UUID, Name]
    survivors: Mapping[str, str]

    def owners(self, value: UUID, *, besides: str) -> Iterator[Node]:
        """Filed messages with this id, one excepted."""
        name = self.names.get(value)
        return (node for node in name.owners if node.id != besides) if name else iter(())

    def mentions(self, value: UUID, *, besides: str) -> Iterator[Node]:
        """Filed messages that mention this id, one excepted."""
        name = self.names.get(value)
        return (node for node in name.mentions if node.id != besides) if name else iter(())


def graph(filed: Iterable[Naming], fresh: Sequence[Incoming], survivors: Mapping[str, str]) -> Graph:
    """What is filed and what arrives, together."""
    names: defaultdict[UUID, Name] = defaultdict(Name)
    for naming in filed:
        name = names[naming.value]
        (name.owners if naming.own else name.mentions).append(naming.node)
    for message in fresh:
        node = Node(
            message.id, fresh_group(message.id), message.person, message.addressed, message.forged, is_root=True
        )
        names[message.own].owners.append(node)
        for named in message.named:
            names[named.value].mentions.append(node)
        if message.thread is not None:
            names[message.thread].mentions.append(node)
    return Graph(names, survivors)
