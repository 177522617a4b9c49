"""Which evidence is believed: decided from the two ends of an edge alone, never from the state of a ticket.

Otherwise the result would depend on the order of arrival (threading §2, §3).
"""

from datetime import datetime
from typing import Protocol

from ticketing.policy import Policy


class End(Protocol):
    """What an edge is judged by, of either of its messages."""

    @property
    def person(self) -> str: ...

    @property
    def addressed(self) -> frozenset[str]: ...

    @property
    def forged(self) -> bool: ...

    @property
    def authentic(self) -> bool: ...

    @property
    def by_token(self) -> bool: ...

    @property
    def received_at(self) -> datetime: ...


def acquainted(author: End, other: End) -> bool:
    """Whether the author wrote the other message or was addressed by it."""
    return author.person == other.person or author.person in other.addressed


def near(one: End, other: End, policy: Policy) -> bool:
    """Whether no long gap lies between the two."""
    return abs(one.received_at - other.received_at) <= policy.gap


def names(naming: End, named: End, policy: Policy, *, sole: bool) -> bool:
    """Whether a message is joined to one whose id it mentions.

    Not when its author's domain disowns it; nor when a token says where it belongs, for then nothing else does: else
    whoever has a ticket of his own could have it merged with one of which he knows no more than an id.

    An id alone (`sole`: all its messages are one author's) says enough, by the default policy; an id that several
    authors have used says something only of one's own conversation, else every mail of a program that gives all its
    mails the same id would be joined.
    """
    if naming.forged or naming.by_token or not near(naming, named, policy):
        return False
    if acquainted(naming, named):
        return naming.authentic or not policy.strict
    return sole and not policy.strict


def share(one: End, other: End, policy: Policy) -> bool:
    """Whether two messages that mention the same id, seen or not, are joined by it."""
    return (
        (acquainted(one, other) or acquainted(other, one))
        and sharing(one, policy)
        and sharing(other, policy)
        and near(one, other, policy)
    )


def sharing(end: End, policy: Policy) -> bool:
    """Whether a message can be joined by an ancestor in common at all."""
    return not end.forged and not end.by_token and (end.authentic or not policy.strict)
