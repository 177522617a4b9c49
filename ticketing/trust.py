"""Which evidence is believed: decided from the two ends of an edge alone, never from the state of a ticket.

Otherwise the result would depend on the order of arrival. Stricter policies and cuts have their place here.
"""

from typing import Protocol


class End(Protocol):
    """What an edge is judged by, of either of its messages."""

    @property
    def person(self) -> str: ...

    @property
    def addressed(self) -> frozenset[str]: ...

    @property
    def forged(self) -> bool: ...


def knowledge(naming: End) -> bool:
    """Whether knowing an id joins this message to what it names: unless its author's domain disowns it."""
    return not naming.forged


def acquainted(author: End, other: End) -> bool:
    """Whether the author wrote the other message or was addressed by it."""
    return author.person == other.person or author.person in other.addressed
