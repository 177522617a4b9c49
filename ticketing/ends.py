"""What a late message changes of those that named it before it came: they begin no conversation any more."""

from collections.abc import Sequence
from dataclasses import dataclass

from ticketing import edges, trust
from ticketing.graph import Graph, Node
from ticketing.incoming import Incoming


@dataclass(frozen=True, slots=True)
class LaterEnd:
    """A filed message that is no root any more, by a message that it names.

    `told`: whether it was said to be a third party's until now.
    """

    message_id: str
    group: str
    by: Incoming
    acquainted: bool
    told: bool

    @property
    def third_party(self) -> bool:
        """Whether its author neither wrote nor was addressed by anything it names."""
        return not self.acquainted


def later_ends(graph: Graph, fresh: Sequence[Incoming]) -> dict[str, LaterEnd]:
    """By the ids of the filed messages that name a fresh one and are changed by that."""
    named: dict[str, tuple[Node, bool, Incoming]] = {}
    for message in fresh:
        for node in edges.named_by(message, graph):
            if not node.group.startswith("fresh:"):
                _, acquainted, by = named.get(node.id, (node, False, message))
                named[node.id] = node, acquainted or trust.acquainted(node, graph.nodes[message.id]), by
    return {
        id_: LaterEnd(id_, node.group, by, node.acquainted or acquainted, not node.is_root and not node.acquainted)
        for id_, (node, acquainted, by) in named.items()
        if node.is_root or (acquainted and not node.acquainted)
    }
