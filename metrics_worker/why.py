"""Why a figure is what it is: every ticket that adds to it, how much, and between which two events."""

from collections.abc import AsyncIterator
from datetime import datetime
from typing import NamedTuple

import sqlalchemy as sa
from pydantic import BaseModel, ConfigDict
from sqlalchemy.ext.asyncio import AsyncConnection

from bus.calendars import Calendars
from metrics_worker.contacts import ContactFacts, feedback_of
from metrics_worker.contribution import keys_of
from metrics_worker.event import time_of
from metrics_worker.facts import Fact, FactKind, TicketFacts
from metrics_worker.groups import MergeGroup
from metrics_worker.measures import Measure, measures
from metrics_worker.scope import LOOK, Scope, look, scope_of

_LOOKED_AT = 5_000
"""So many tickets are looked at for one page, which may stay short: nobody waits for those that add nothing."""

_FEEDBACK = sa.text("""
    WITH looked AS MATERIALIZED (
        SELECT contact_id, document FROM metrics.contacts
        WHERE contact_id > :after
          AND (CAST(:contacts AS text[]) IS NULL OR contact_id = ANY(CAST(:contacts AS text[])))
        ORDER BY contact_id LIMIT :look
    )
    SELECT count(*) AS n, max(contact_id) AS last,
           array_agg(document ORDER BY contact_id) FILTER (WHERE document NOT LIKE '%,[]]') AS found
    FROM looked
""")
_PARTS = {
    "happiness": {"happiness.good": 1, "happiness.ok": 0, "happiness.bad": 0},
    "happiness.without_ok": {"happiness.good": 1, "happiness.bad": 0},
}
"""Figures that are made of others: how much of each goes into their sum; all goes into their count."""


class EventReference(BaseModel):
    """The event that a measure begins or ends with."""

    model_config = ConfigDict(frozen=True)

    event_id: str
    kind: FactKind
    at: datetime


class Share(BaseModel):
    """What one ticket, with all that was merged into it, adds: `n` to the figure's count, `sum` to its sum.

    `until` None: it lasts, or is a moment. Feedback has no ticket, but a contact.
    """

    model_config = ConfigDict(frozen=True)

    ticket_id: str | None
    number: int | None
    contact_id: str | None = None
    n: int
    sum: int
    since: EventReference
    until: EventReference | None


class _Step(NamedTuple):
    """`n` tickets, or contacts, up to `last` were looked at; what each of those that may add something adds, by id."""

    n: int
    last: str
    found: list[tuple[str, list[Share]]]


class Page(NamedTuple):
    """Some shares; `next`: what the following page begins after, None when there is none."""

    shares: list[Share]
    next: str | None


def shares(group: MergeGroup, keys: frozenset[str], figure: str, calendars: Calendars) -> list[Share]:
    """What the group adds to a figure of `keys`; the sum over all groups is the figure. Pure."""
    root = group.root
    if root is None:
        return []
    parts = _PARTS.get(figure, {figure: None})
    found: list[Share] = []
    for measure in measures(group, calendars):
        if measure.figure in parts and not keys.isdisjoint(keys_of(group, measure.agent)):
            factor = parts[measure.figure]
            found.append(_share(group, root, measure, measure.total if factor is None else factor * measure.n))
    return found


def _share(group: MergeGroup, root: TicketFacts, measure: Measure, total: int) -> Share:
    return Share(
        ticket_id=group.root_id,
        number=root.number,
        contact_id=root.contact_id,
        n=measure.n,
        sum=total,
        since=_reference(measure.since),
        until=_reference(measure.until) if measure.until else None,
    )


def _reference(fact: Fact) -> EventReference:
    return EventReference(event_id=fact.event_id, kind=fact.kind, at=time_of(fact.at))


async def why(connection: AsyncConnection, key: str, figure: str, calendars: Calendars) -> AsyncIterator[Share]:
    """All shares of a figure, by ticket id. `connection` is in a repeatable-read transaction: one state of all."""
    async for step in _steps(connection, await scope_of(connection, key), figure, calendars):
        for _, found in step.found:
            for share in found:
                yield share


async def page(
    connection: AsyncConnection,
    key: str,
    figure: str,
    calendars: Calendars,
    *,
    after: str = "",
    limit: int = 100,
    most: int = _LOOKED_AT,
) -> Page:
    """The shares of the tickets after one, about `limit` of them: a ticket's are never torn apart.

    It ends when about `most` tickets have been looked at.
    """
    scope, kept, looked = await scope_of(connection, key), list[Share](), 0
    async for step in _steps(connection, scope, figure, calendars, after, min(most, LOOK)):
        for id_, found in step.found:
            kept += found
            if len(kept) >= limit:
                return Page(kept, id_)
        looked += step.n
        if looked >= most:
            return Page(kept, step.last)
    return Page(kept, None)


async def _steps(
    connection: AsyncConnection, scope: Scope, figure: str, calendars: Calendars, after: str = "", at_once: int = LOOK
) -> AsyncIterator[_Step]:
    """Ticket after ticket; of feedback, contact after contact."""
    if figure == "feedback":
        async for step in _who_gave_feedback(connection, scope, after, at_once):
            yield step
        return
    async for n, last, groups in look(connection, scope, figure=figure, after=after, at_once=at_once):
        yield _Step(n, last, [(group.root_id, shares(group, scope.keys, figure, calendars)) for group in groups])


async def _who_gave_feedback(
    connection: AsyncConnection, scope: Scope, after: str, at_once: int
) -> AsyncIterator[_Step]:
    contacts = None if scope.contacts is None else list(scope.contacts)
    while True:
        where = {"contacts": contacts, "after": after, "look": at_once}
        n, last, found = (await connection.execute(_FEEDBACK, where)).one()
        if not n:
            return
        people = [ContactFacts.from_json(each) for each in found or ()]
        yield _Step(n, last, [(person.contact_id, _feedback(person, scope.keys)) for person in people])
        if n < at_once:
            return
        after = last


def _feedback(contact: ContactFacts, keys: frozenset[str]) -> list[Share]:
    return [
        Share(
            ticket_id=None,
            number=None,
            contact_id=contact.contact_id,
            n=1,
            sum=1,
            since=_reference(fact),
            until=None,
        )
        for key, fact in feedback_of(contact)
        if key in keys
    ]
