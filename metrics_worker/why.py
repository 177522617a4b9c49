"""Why a figure is what it is: every ticket that adds to it, how much, and between which two events."""

from collections.abc import AsyncIterator
from datetime import datetime

import sqlalchemy as sa
from pydantic import BaseModel, ConfigDict
from sqlalchemy.ext.asyncio import AsyncConnection

from metrics_worker.contribution import keys_of, measures
from metrics_worker.event import time_of
from metrics_worker.facts import Fact, FactKind, TicketFacts
from metrics_worker.groups import MergeGroup
from metrics_worker.store import load

_PAGE = 1_000
_ROOTS = sa.text("""
    SELECT ticket_id FROM metrics.ticket_facts
    WHERE root_id = ticket_id AND ticket_id > :after
      AND (CAST(:contact AS text) IS NULL OR contact_id = CAST(:contact AS text))
    ORDER BY ticket_id LIMIT :page
""")


class EventReference(BaseModel):
    """The event that a measure begins or ends with."""

    model_config = ConfigDict(frozen=True)

    event_id: str
    kind: FactKind
    at: datetime


class Share(BaseModel):
    """What one ticket, with all that was merged into it, adds to a figure; `until` None: it lasts, or is a moment."""

    model_config = ConfigDict(frozen=True)

    ticket_id: str
    number: int
    n: int
    since: EventReference
    until: EventReference | None


def shares(group: MergeGroup, key: str, figure: str) -> list[Share]:
    """What the group adds to a figure of `key`; the sum over all groups is the figure. Pure."""
    if group.root is None or key not in keys_of(group):
        return []
    return [
        Share(
            ticket_id=group.root_id,
            number=group.root.number,
            n=measure.n,
            since=_reference(measure.since),
            until=_reference(measure.until) if measure.until else None,
        )
        for measure in measures(group)
        if measure.figure == figure
    ]


def _reference(fact: Fact) -> EventReference:
    return EventReference(event_id=fact.event_id, kind=fact.kind, at=time_of(fact.at))


async def why(connection: AsyncConnection, key: str, figure: str) -> AsyncIterator[Share]:
    """All shares of a figure, by ticket id. `connection` is in a repeatable-read transaction: one state of all."""
    kind, _, name = key.partition(":")
    contact, after = (name if kind == "contact" else None), ""
    while True:
        roots = (await connection.scalars(_ROOTS, {"contact": contact, "after": after, "page": _PAGE})).all()
        if not roots:
            return
        after = roots[-1]
        stored = await load(connection, roots)
        members: dict[str, list[TicketFacts]] = {}
        for row in stored.values():
            if row.root_id != row.facts.ticket_id:
                members.setdefault(row.root_id, []).append(row.facts)
        for root in roots:
            group = MergeGroup(root, stored[root].facts, tuple(members.get(root, ())))
            for share in shares(group, key, figure):
                yield share
