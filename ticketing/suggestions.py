"""What looks like a reply and does not join: a suggestion to an agent, never more. Pure."""

from collections.abc import Iterator

from ticketing.graph import Graph
from ticketing.incoming import Incoming


def possible_replies(message: Incoming, graph: Graph) -> Iterator[str]:
    """Ids of tickets that it seems to answer, the likeliest first: by a token that does not verify, by what it names
    though that is not believed, by a number."""
    standings = graph.claims.standings
    for ticket in (*(signed.ticket for signed in message.signed), *sorted(message.claimed)):
        if ticket in standings:
            yield ticket
    yield from (ticket for ticket, _ in message.answered if ticket in standings)
    for named in message.named:
        for node in graph.owners(named.value, besides=message.id):
            kind, _, id_ = node.group.partition(":")
            if kind == "ticket":
                yield id_
    yield from (graph.claims.numbered[number].id for number in message.numbers if number in graph.claims.numbered)


def reply_like(subject: str | None) -> str:
    """A subject as it is compared: without the marks of replies and forwards, in one case."""
    return bare(subject).casefold()


def bare(subject: str | None) -> str:
    """A subject on one line, without the marks of replies and forwards."""
    text = " ".join((subject or "").split())
    while True:
        head, colon, rest = text.partition(":")
        if not colon or head.strip().casefold() not in _MARKS:
            return text
        text = rest.strip()


_MARKS = frozenset({"re", "aw", "antw", "sv", "vs", "res", "rif", "r", "fw", "fwd", "wg", "tr", "rv", "enc", "doorst"})
