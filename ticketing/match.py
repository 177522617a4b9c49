"""By which rule a message belongs to a ticket (threading §1): they run in order, and the first that hits is kept."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from itertools import islice
from typing import Literal, TypeAlias

from ticketing import edges, trust
from ticketing.graph import Graph, fault
from ticketing.incoming import Incoming

Confidence: TypeAlias = Literal["signed", "knowledge", "none"]
_MOST_EVIDENCE = 10


@dataclass(frozen=True, slots=True)
class Match:
    """A rule and what made it hit: kinds of evidence, each with the id an agent can look up.

    `tried`: the rules that ran before and missed, each with its reason. `warnings`: what an agent should know.
    """

    rule: str
    confidence: Confidence
    evidence: tuple[tuple[str, str], ...] = ()
    tried: tuple[tuple[str, str], ...] = ()
    warnings: tuple[str, ...] = ()


Rule: TypeAlias = Callable[[Incoming, Graph], Match | str]
"""A hit, or why there is none."""

NEW_TICKET = "new_ticket"


def reply_token(message: Incoming, graph: Graph) -> Match | str:
    """It carries a token that this desk signed for its author."""
    found = _match("reply_token", "signed", (("reply_token", standing.id) for standing in edges.tokens(message, graph)))
    if found is not None:
        return found
    faults = _faults(message, graph)
    if faults:
        return f"its token is {faults[0]}"
    return "its token was not signed for its author" if message.claimed else "it carries no token"


def _faults(message: Incoming, graph: Graph) -> list[str]:
    found = (fault(signed, message, graph.claims, graph.policy) for signed in message.signed)
    return [each for each in found if each is not None]


def own_reference(message: Incoming, graph: Graph) -> Match | str:
    """It names a message that this desk sent or filed, or one that is filed names it."""
    evidence: list[tuple[str, str]] = [(named.kind, named.text) for named, _, _ in edges.ours(message, graph)]
    evidence += dict.fromkeys((named.kind, named.text) for named, _ in edges.owners(message, graph))
    evidence += [("named_by", node.id) for node in islice(edges.named_by(message, graph), _MOST_EVIDENCE)]
    found = _match("own_reference", "knowledge", evidence)
    return found if found is not None else _why_not(message, graph)


def _why_not(message: Incoming, graph: Graph) -> str:
    if not message.named:
        return "it names no other message"
    known = bool(message.answered) or any(
        True for named in message.named for _ in graph.owners(named.value, besides=message.id)
    )
    if not known:
        return "nothing it names is known here"
    if message.forged:
        return "its author's domain disowns it (DMARC)"
    if graph.policy.strict:
        return "the strict policy wants DMARC's pass and an author who wrote or was written what it names"
    return "what it names is long ago, of another department, or an id that several authors use"


def provider_thread(message: Incoming, graph: Graph) -> Match | str:
    """It is of the same conversation, post or call at the provider."""
    others = (("provider_thread", node.id) for node in edges.conversation(message, graph))
    found = _match("provider_thread", "signed", others)
    if found is not None:
        return found
    return "its provider names no conversation" if message.thread is None else "the conversation is new"


def shared_reference(message: Incoming, graph: Graph) -> Match | str:
    """It names what another message names, and one of the two authors wrote or was written the other message."""
    shared = ((named.kind, named.text) for named, _ in edges.sharers(message, graph))
    found = _match("shared_reference", "knowledge", shared)
    return found if found is not None else "nobody it knows names what it names"


def ticket_number(message: Incoming, graph: Graph) -> Match | str:
    """Its subject says a ticket's number, and its author is a participant of that ticket, and verified."""
    said = (("ticket_number", str(standing.number)) for standing in edges.numbered(message, graph))
    found = _match("ticket_number", "knowledge", said)
    if found is not None:
        return found
    if not message.numbers:
        return "its subject says no number"
    if not any(number in graph.claims.numbered for number in message.numbers):
        return "no ticket has the number in its subject"
    return "a number joins only a verified participant of that ticket"


RULES: tuple[Rule, ...] = (reply_token, own_reference, provider_thread, shared_reference, ticket_number)


@dataclass(frozen=True, slots=True)
class Place:
    """Where a message stands in the graph.

    `is_root`: it begins a conversation, for it names nothing that is filed and answers nothing we sent.
    `acquainted`: its author wrote or was addressed by something it names, holds a token, or is an agent.
    """

    match: Match
    is_root: bool
    acquainted: bool

    @property
    def third_party(self) -> bool:
        """Whether somebody writes here who neither wrote nor was written anything it names."""
        return not self.is_root and not self.acquainted


def place(message: Incoming, graph: Graph) -> Place:
    """The first rule that hits, and what follows from what the message names."""
    tried: list[tuple[str, str]] = []
    for rule in RULES:
        found = rule(message, graph)
        if isinstance(found, Match):
            return _place(message, graph, replace(found, tried=tuple(tried), warnings=_warnings(message, graph)))
        tried.append((rule.__name__, found))
    return _place(message, graph, Match(NEW_TICKET, "none", (), tuple(tried), _warnings(message, graph)))


def aside(message: Incoming) -> Place:
    """The place of one that goes into no ticket yet, and that nothing is joined to."""
    return Place(Match(f"aside_{message.aside}", "none"), is_root=True, acquainted=False)


def _warnings(message: Incoming, graph: Graph) -> tuple[str, ...]:
    """A token that does not verify counts as absent, but not silently."""
    if not message.signed and not message.claimed:
        return ()
    faults = set(_faults(message, graph))
    if message.claimed:
        faults.add("not_verified")
    return tuple(sorted(f"reply_token:{each.replace(' ', '_')}" for each in faults))


def _place(message: Incoming, graph: Graph, match: Match) -> Place:
    known = [trust.acquainted(graph.nodes[message.id], node) for _, node in edges.owners(message, graph)]
    known += [acquainted for _, _, acquainted in edges.ours(message, graph)]
    if any(True for _ in edges.tokens(message, graph)) or any(True for _ in edges.numbered(message, graph)):
        known.append(True)
    return Place(match, is_root=not known, acquainted=any(known) or message.by_agent)


def _match(rule: str, confidence: Confidence, evidence: Iterable[tuple[str, str]]) -> Match | None:
    found = tuple(islice(evidence, _MOST_EVIDENCE))
    return Match(rule, confidence, found) if found else None
