"""Where two tickets were cut apart: by an agent, or because a closed one was not opened again (threading §2). Pure."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Literal

from ticketing.components import Component, Union, collect
from ticketing.edges import reached
from ticketing.graph import Graph, fresh_group, ticket_group

CutKind = Literal["follow_up", "split", "wrong_ticket", "moved", "unmerged"]


@dataclass(frozen=True, slots=True)
class Cut:
    """Nothing merges the two tickets, nor those they are part of later, until a hand does.

    `cause`: what is undone with it; a message's id or an act's.
    """

    older: str
    younger: str
    kind: CutKind
    cause: str


def inherited(cut: Cut, elders: Iterable[str]) -> list[Cut]:
    """The cut, and that of the younger side from all that the older one was cut from before."""
    olders = dict.fromkeys((cut.older, *elders))
    return [Cut(older, cut.younger, cut.kind, cut.cause) for older in olders if older != cut.younger]


def separate(component: Component, graph: Graph, cuts: Collection[tuple[str, str]]) -> list[Component]:
    """The component in pieces that no cut goes through. `cuts`: (older, younger), by the tickets' ids of today.

    A message that reaches both sides of a cut joins the younger one and merges nothing across it. To share an ancestor
    with the one side is less than to be joined to the other directly: a reply to what stayed in the old ticket names
    what the new one's messages name as well. Its messages are looked at in the order they came, each with what came
    before it, so that batches make no difference.
    """
    inside = [(a, b) for a, b in cuts if a != b and a in component.tickets and b in component.tickets]
    if not inside:
        return [component]
    union, before = Union(), set[str]()
    sides: dict[str, frozenset[str]] = {ticket_group(ticket): frozenset({ticket}) for ticket in component.tickets}
    for message in component.fresh:
        direct, shared = ({union.find(group) for group in found} for found in reached(message, graph, before))
        joined = younger(direct, sides, inside)
        joined |= younger({group for group in shared if not _apart(group, direct, sides, inside)}, sides, inside)
        union.join([fresh_group(message.id), *sorted(joined)])
        together = union.find(fresh_group(message.id))
        sides[together] = frozenset().union(*(sides.get(group, frozenset()) for group in joined))
        before.add(message.id)
    return collect(union, component.fresh)


Sides = Mapping[str, frozenset[str]]
"""The tickets in a group."""


def younger(groups: Collection[str], sides: Sides, cuts: Collection[tuple[str, str]]) -> set[str]:
    """The groups without those from which another one was cut away."""
    older = {one for one in groups for other in groups if one != other and _older(one, other, sides, cuts)}
    kept = set(groups) - older
    return kept or {max(groups)} if groups else set()


def _older(one: str, other: str, sides: Sides, cuts: Collection[tuple[str, str]]) -> bool:
    ones, others = sides.get(one, frozenset()), sides.get(other, frozenset())
    return any(older in ones and young in others for older, young in cuts)


def _apart(group: str, others: Collection[str], sides: Sides, cuts: Collection[tuple[str, str]]) -> bool:
    return any(_older(group, other, sides, cuts) or _older(other, group, sides, cuts) for other in others)
