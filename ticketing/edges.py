"""What joins one message to others: every piece of evidence that is believed, with what it leads to. Pure."""

from collections.abc import Container, Iterable, Iterator

from ticketing import trust
from ticketing.graph import Graph, Node, Standing, ticket_group
from ticketing.incoming import Incoming, Named, Signed


def tokens(message: Incoming, graph: Graph) -> Iterator[Standing]:
    """Tickets whose reply token it carries, signed for its author and good to this day."""
    for signed in message.signed:
        standing = graph.claims.standings.get(signed.ticket)
        if standing is not None and fault(signed, standing, message, graph) is None:
            yield standing


def fault(signed: Signed, standing: Standing, message: Incoming, graph: Graph) -> str | None:
    """What is wrong with a genuine token."""
    if standing.department != graph.policy.department(message.account):
        return "of another department"
    if signed.generation != standing.generation:
        return "revoked"
    if signed.old_key and standing.expired:
        return "expired"
    return None


def ours(message: Incoming, graph: Graph) -> Iterator[tuple[Named, Standing, bool]]:
    """Mails of this desk that it names, and whether its author was written that mail."""
    for ticket, named in message.answered:
        standing = graph.claims.standings.get(ticket)
        if standing is None or standing.department != graph.policy.department(message.account) or message.forged:
            continue
        sent = graph.claims.sent.get(named.text)
        if sent is None:
            if not graph.policy.strict:
                yield named, standing, False
        elif trust.names(message, sent, graph.policy, sole=True):
            yield named, standing, trust.acquainted(message, sent)


def owners(message: Incoming, graph: Graph) -> Iterator[tuple[Named, Node]]:
    """Filed messages that it names."""
    for named in message.named:
        name = graph.names[named.value]
        sole = name.sole
        for node in name.owners:
            if node.id != message.id and trust.names(message, node, graph.policy, sole=sole):
                yield named, node


def named_by(message: Incoming, graph: Graph) -> Iterator[Node]:
    """Filed messages that name it."""
    sole = graph.names[message.own].sole
    for node in graph.mentions(message.own, besides=message.id):
        if trust.names(node, message, graph.policy, sole=sole):
            yield node


def conversation(message: Incoming, graph: Graph) -> Iterator[Node]:
    """Messages of the same conversation, post or call at the provider, which has vouched for all of them."""
    if message.thread is not None and not message.forged:
        yield from (node for node in graph.mentions(message.thread, besides=message.id) if not node.forged)


def sharers(message: Incoming, graph: Graph) -> Iterator[tuple[Named, Node]]:
    """Messages that name what it names, when one of the two authors wrote or was written the other message."""
    if not trust.sharing(message, graph.policy):
        return
    for named in message.named:
        heard = graph.names[named.value].heard
        own = heard.get(message.person)
        nodes = [*own.authored, *own.addressed] if own else []
        for person in message.addressed:
            if person != message.person and person in heard:
                nodes += heard[person].authored
        for node in nodes:
            if node.id != message.id and trust.share(message, node, graph.policy):
                yield named, node


def numbered(message: Incoming, graph: Graph) -> Iterator[Standing]:
    """Tickets whose number its subject says, when its author is a participant of the ticket and verified."""
    for number in message.numbers:
        standing = graph.claims.numbered.get(number)
        if (
            standing is not None
            and message.authentic
            and message.person in standing.participants
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
