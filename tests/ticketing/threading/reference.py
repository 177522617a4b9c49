"""What threading.md says, word by word and pair by pair, over sets: the answer that filing is compared with."""

import itertools
from collections.abc import Mapping, Sequence

from tests.ticketing.filing.memory import Outcome, plain
from ticketing.incoming import Incoming
from ticketing.policy import Policy


def tickets_of(messages: Sequence[Incoming], signed: Mapping[str, str], policy: Policy) -> Outcome:
    """The tickets that these messages make. `signed`: id of a ticket → the message that opened it; it is of
    the department ""."""
    # a copy in another mailbox is no second message
    once = list({(m.own, m.fingerprint): m for m in reversed(messages)}.values())
    tokens = {m.id: {signed.get(t.ticket) for t in m.signed if not policy.department(m.account)} for m in once}
    parts = {m.id: {m.id} for m in once}
    for m, other in itertools.permutations(once, 2):
        if other.id in tokens[m.id] or (
            not tokens[m.id] and (_names(m, other, once, policy) or (not tokens[other.id] and _share(m, other, policy)))
        ):
            together = parts[m.id] | parts[other.id]
            for id_ in together:
                parts[id_] = together
    groups = {frozenset(part) for part in parts.values()}
    found = [[m for m in once if m.id in group] for group in groups]
    by_token = {id_ for id_, opened in tokens.items() if opened}
    return frozenset(_ticket(group, once, by_token, policy) for group in found if any(m.opens for m in group))


def _names(m: Incoming, other: Incoming, all_: Sequence[Incoming], policy: Policy) -> bool:
    if other.own not in {name.value for name in m.named} or m.forged or _far(m, other, policy):
        return False
    if _acquainted(m, other):
        return m.authentic or not policy.strict
    return len({each.person for each in all_ if each.own == other.own}) == 1 and not policy.strict


def _share(m: Incoming, other: Incoming, policy: Policy) -> bool:
    return (
        bool({name.value for name in m.named} & {name.value for name in other.named})
        and (_acquainted(m, other) or _acquainted(other, m))
        and not (m.forged or other.forged or _far(m, other, policy))
        and (not policy.strict or (m.authentic and other.authentic))
    )


def _acquainted(author: Incoming, other: Incoming) -> bool:
    return author.person == other.person or author.person in other.addressed


def _far(m: Incoming, other: Incoming, policy: Policy) -> bool:
    return abs(m.received_at - other.received_at) > policy.gap


def _ticket(group: Sequence[Incoming], all_: Sequence[Incoming], by_token: set[str], policy: Policy) -> tuple:  # type: ignore[type-arg]  # as Outcome says
    openers = [m for m in group if m.opens]
    named = {m.id: [other for other in all_ if other is not m and _names(m, other, all_, policy)] for m in group}
    roots = [m for m in openers if m.id not in by_token and not named[m.id]]
    strangers = [
        m
        for m in group
        if named[m.id] and m.id not in by_token and not any(_acquainted(m, other) for other in named[m.id])
    ]
    times = [m.occurred_at for m in openers]
    return (
        plain(m.id for m in group),
        min(roots or openers, key=lambda m: (m.received_at, m.id)).person,
        plain(m.id for m in strangers),
        len(openers),
        sum(m.attachments for m in openers),
        min(times),
        max(times),
    )
