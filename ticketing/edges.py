"""What joins one message to others: every piece of evidence that is believed, with what it leads to. Pure.

Where a token says where a message belongs, that is all: what else it carries joins it to nothing.
"""

from collections.abc import Container, Iterable, Iterator

from ticketing import trust
from ticketing.graph import Graph, Node, Standing, fault, ticket_group
from ticketing.incoming import Incoming, Named


def tokens(message: Incoming, graph: Graph) -> Iterator[Standing]:
    """Tickets whose reply token it carries, signed for its author and good to this day."""
    for signed in message.signed:
        if fault(signed, message, graph.claims, graph.policy) is None:
            yield graph.claims.standings[signed.ticket]


def ours(message: Incoming, graph: Graph) -> Iterator[tuple[Named, Standing, bool]]:
    """Mails of this desk that it names, and whether its author was written that mail."""
    me = graph.nodes[message.id]
    if me.forged or me.by_token:
        return
    for ticket, named in message.answered:
        standing = graph.claims.standings.get(ticket)
        if standing is None or standing.department != graph.policy.department(message.account):
            continue
        sent = graph.claims.sent.get(named.text)
        if sent is None:
            if not graph.policy.strict:
                yield named, standing, False
        elif trust.names(me, sent, graph.policy, sole=True):
            yield named, standing, trust.acquainted(me, sent)


def owners(message: Incoming, graph: Graph) -> Iterator[tuple[Named, Node]]:
    """Filed messages that it names."""
    me = graph.nodes[message.id]
    for named in message.named:
        name = graph.names[named.value]
        sole = name.sole
        for node in name.owners:
            if node.id != me.id and trust.names(me, node, graph.policy, sole=sole):
                yield named, node


def named_by(message: Incoming, graph: Graph) -> Iterator[Node]:
    """Filed messages that name it."""
    me, sole = graph.nodes[message.id], graph.names[message.own].sole
    for node in graph.mentions(message.own, besides=message.id):
        if trust.names(node, me, graph.policy, sole=sole):
            yield node


def conversation(message: Incoming, graph: Graph) -> Iterator[Node]:
    """Messages of the same conversation, post or call at the provider, which has vouched for all of them."""
    if message.thread is not None and in_conversation(graph.nodes[message.id]):
        yield from (node for node in graph.mentions(message.thread, besides=message.id) if in_conversation(node))


def in_conversation(node: Node) -> bool:
    """Whether its provider's word on where it belongs is taken."""
    return not node.forged and not node.by_token


def sharers(message: Incoming, graph: Graph) -> Iterator[tuple[Named, Node]]:
    """Messages that name what it names, when one of the two authors wrote or was written the other message."""
    me = graph.nodes[message.id]
    if not trust.sharing(me, graph.policy):
        return
    for named in message.named:
        heard = graph.names[named.value].heard
        own = heard.get(me.person)
        nodes = [*own.authored, *own.addressed] if own else []
        for person in me.addressed:
            if person != me.person and person in heard:
                nodes += heard[person].authored
        for node in nodes:
            if node.id != me.id and trust.share(me, node, graph.policy):
                yield named, node


def numbered(message: Incoming, graph: Graph) -> Iterator[Standing]:
    """Tickets whose number its subject says, when its author is a participant of the ticket and verified."""
    me = graph.nodes[message.id]
    if not me.authentic or me.by_token:
        return
    for number in message.numbers:
        standing = graph.claims.numbered.get(number)
        if (
            standing is not None
            and me.person in standing.participants
            and standing.department == graph.policy.department(message.account)
        ):
            yield standing


def reached(message: Incoming, graph: Graph, before: Container[str]) -> tuple[set[str], set[str]]:
    """Every group that a message is joined to: tickets, and the messages (by their ids) that came before it.

    First those that it is joined to directly, then those with which it shares no more than an ancestor.
    """
    claimed = (*tokens(message, graph), *(standing for _, standing, _ in ours(message, graph)))
    direct = {ticket_group(standing.root) for standing in (*claimed, *numbered(message, graph))}
    nodes = (*(node for _, node in owners(message, graph)), *named_by(message, graph), *conversation(message, graph))
    shared = (node for _, node in sharers(message, graph))
    return direct | set(_groups(nodes, before)), set(_groups(shared, before))


def _groups(nodes: Iterable[Node], before: Container[str]) -> Iterator[str]:
    return (node.group for node in nodes if not node.group.startswith("fresh:") or node.id in before)
