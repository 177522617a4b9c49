"""By which rule a message belongs to a ticket (threading §1): they run in order, and the first that hits is kept."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import chain
from typing import Literal, TypeAlias

from ticketing.graph import Graph
from ticketing.incoming import Incoming
from ticketing.trust import acquainted, knowledge


@dataclass(frozen=True, slots=True)
class Match:
    """A rule and what made it hit: kinds of evidence, each with the id an agent can look up."""

    rule: str
    confidence: Literal["signed", "knowledge", "none"]
    evidence: tuple[tuple[str, str], ...] = ()


Rule: TypeAlias = Callable[[Incoming, Graph], Match | None]

_MOST_EVIDENCE = 10
NO_MATCH = Match("new_ticket", "none")


def reply_token(message: Incoming, graph: Graph) -> Match | None:
    """It carries a token that this desk signed for its author."""
    found = [("reply_token", ticket) for ticket in sorted(message.signed) if ticket in graph.survivors]
    return Match("reply_token", "signed", tuple(found)) if found else None


def own_reference(message: Incoming, graph: Graph) -> Match | None:
    """It names a message that this desk sent or filed, or one that is filed names it."""
    return _match("own_reference", "knowledge", chain(_names(message, graph), _is_named(message, graph)))


def _names(message: Incoming, graph: Graph) -> Iterator[tuple[str, str]]:
    if not knowledge(message):
        return
    yield from ((named.kind, named.text) for ticket, named in message.answered if ticket in graph.survivors)
    for named in message.named:
        if any(graph.owners(named.value, besides=message.id)):
            yield named.kind, named.text


def _is_named(message: Incoming, graph: Graph) -> Iterator[tuple[str, str]]:
    return (("named_by", node.id) for node in graph.mentions(message.own, besides=message.id) if knowledge(node))


def provider_thread(message: Incoming, graph: Graph) -> Match | None:
    """It is of the same conversation, post or call at the provider."""
    if message.thread is None or not knowledge(message):
        return None
    others = (node for node in graph.mentions(message.thread, besides=message.id) if knowledge(node))
    return _match("provider_thread", "signed", (("provider_thread", node.id) for node in others))


def shared_reference(message: Incoming, graph: Graph) -> Match | None:
    """It names what another message names, and one of the two authors wrote or was written the other message."""
    if not knowledge(message):
        return None
    found = ((named.kind, named.text) for named in message.named if graph.names[named.value].is_shared(message))
    return _match("shared_reference", "knowledge", found)


RULES: tuple[Rule, ...] = (reply_token, own_reference, provider_thread, shared_reference)


@dataclass(frozen=True, slots=True)
class Place:
    """Where a message stands in the graph.

    `is_root`: it begins a conversation, for it names nothing that is filed and answers nothing we sent.
    `third_party`: its author neither wrote nor was addressed by any message it names, and holds no token either.
    """

    match: Match
    is_root: bool
    third_party: bool


def place(message: Incoming, graph: Graph) -> Place:
    """The first rule that hits, and what follows from what the message names."""
    found = next((hit for rule in RULES if (hit := rule(message, graph)) is not None), NO_MATCH)
    if found is NO_MATCH or found.rule == reply_token.__name__:
        return Place(found, found is NO_MATCH, third_party=False)
    root = not any(_names(message, graph))
    return Place(found, root, not root and _third_party(message, graph))


def _third_party(message: Incoming, graph: Graph) -> bool:
    named = [node for each in message.named for node in graph.owners(each.value, besides=message.id)]
    return bool(named) and not any(acquainted(message, node) for node in named)


def _match(rule: str, confidence: Literal["signed", "knowledge"], evidence: Iterator[tuple[str, str]]) -> Match | None:
    found = tuple(each for each, _ in zip(evidence, range(_MOST_EVIDENCE), strict=False))
    return Match(rule, confidence, found) if found else None
