"""The graph of messages: who owns a name, who mentions it, and what is known of the tickets named (threading §2).

A name is any id ever mentioned, whether its message was received or not (jwz's empty containers). Joining goes
name by name, so a name that thousands mention costs thousands of steps, not millions of pairs.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final
from uuid import UUID

from ticketing.incoming import Incoming, Signed
from ticketing.policy import Policy


@dataclass(frozen=True, slots=True)
class Node:
    """A message in the graph. `group`: what it is part of already (see the three functions below).

    `by_token`: a reply token says where it belongs, and nothing else does. `acquainted`: its author wrote, or was
    addressed by, one of the filed messages it names, or holds a token.
    """

    id: str
    group: str
    person: str
    addressed: frozenset[str]
    forged: bool
    authentic: bool
    received_at: datetime
    is_root: bool
    acquainted: bool = False
    by_token: bool = False


@dataclass(frozen=True, slots=True)
class Naming:
    """A filed message owns a name, or mentions it."""

    value: UUID
    own: bool
    node: Node


@dataclass(frozen=True, slots=True)
class Standing:
    """A ticket that a message claims to belong to. `root`: the ticket it is part of today.

    `expired`: closed for longer than its reopen window: then tokens of keys that sign no more are worth nothing.
    `participants`: persons who may be written to; known only of tickets claimed by their number.
    """

    id: str
    root: str
    number: int
    department: str
    generation: int = 0
    expired: bool = False
    participants: frozenset[str] = frozenset()


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
    _by_person: Mapping[str, "Heard"] | None = None

    @property
    def sole(self) -> bool:
        """Whether all who own it are one author's."""
        first = self.owners[0].person if self.owners else ""
        return all(node.person == first for node in self.owners)

    @property
    def heard(self) -> Mapping[str, "Heard"]:
        """The mentions by who wrote them and to whom."""
        if self._by_person is None:
            found: defaultdict[str, Heard] = defaultdict(Heard)
            for node in sorted(self.mentions, key=lambda node: (node.received_at, node.id)):
                found[node.person].authored.append(node)
                for person in node.addressed:
                    if person != node.person:
                        found[person].addressed.append(node)
            self._by_person = found
        return self._by_person


@dataclass(slots=True)
class Heard:
    """Mentions of one name that a person wrote, and those that others wrote to that person; in order of reception."""

    authored: list[Node] = field(default_factory=list)
    addressed: list[Node] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Claims:
    """The tickets that a batch claims to belong to: by their id, by their number; and what this desk wrote, by its
    Message-ID, as a node whose author is the desk."""

    standings: Mapping[str, Standing] = field(default_factory=dict)
    numbered: Mapping[int, Standing] = field(default_factory=dict)
    sent: Mapping[str, Node] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Graph:
    """The names that a batch touches, its messages as nodes, the tickets they claim, and the rules for edges."""

    names: Mapping[UUID, Name]
    nodes: Mapping[str, Node]
    claims: Claims = field(default_factory=Claims)
    policy: Policy = field(default_factory=Policy)

    def owners(self, value: UUID, *, besides: str) -> Iterator[Node]:
        """Filed messages with this id, one excepted."""
        name = self.names.get(value)
        return (node for node in name.owners if node.id != besides) if name else iter(())

    def mentions(self, value: UUID, *, besides: str) -> Iterator[Node]:
        """Filed messages that mention this id, one excepted."""
        name = self.names.get(value)
        return (node for node in name.mentions if node.id != besides) if name else iter(())


def graph(filed: Iterable[Naming], fresh: Sequence[Incoming], claims: Claims, policy: Policy) -> Graph:
    """What is filed and what arrives, together."""
    found: defaultdict[UUID, Name] = defaultdict(Name)
    for naming in filed:
        name = found[naming.value]
        (name.owners if naming.own else name.mentions).append(naming.node)
    nodes = {message.id: _node(message, claims, policy) for message in fresh}
    for message in fresh:
        node = nodes[message.id]
        found[message.own].owners.append(node)
        for named in message.named:
            found[named.value].mentions.append(node)
        if message.thread is not None:
            found[message.thread].mentions.append(node)
    return Graph(found, nodes, claims, policy)


def fault(signed: Signed, message: Incoming, claims: Claims, policy: Policy) -> str | None:
    """What is wrong with a genuine token."""
    standing = claims.standings.get(signed.ticket)
    if standing is None:
        return "unknown"
    if standing.department != policy.department(message.account):
        return "of another department"
    if signed.generation != standing.generation:
        return "revoked"
    if signed.old_key and standing.expired:
        return "expired"
    return None


def _node(message: Incoming, claims: Claims, policy: Policy) -> Node:
    return Node(
        id=message.id,
        group=fresh_group(message.id),
        person=message.person,
        addressed=message.addressed,
        forged=message.forged,
        authentic=message.authentic,
        received_at=message.received_at,
        is_root=True,
        by_token=any(fault(signed, message, claims, policy) is None for signed in message.signed),
    )


def sent_node(message_id: str, root: str, recipient: str, at: datetime) -> Node:
    """A mail of ours."""
    return Node(message_id, ticket_group(root), _DESK, frozenset({recipient}), False, True, at, is_root=False)


_DESK: Final = "desk:"
"""Who wrote what this desk sent: nobody who could write to it."""
