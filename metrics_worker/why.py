"""Why a figure is what it is: every ticket that adds to it, how much, and between which two events."""

from collections.abc import AsyncIterator, Iterator
from datetime import datetime
from typing import NamedTuple

import sqlalchemy as sa
from pydantic import BaseModel, ConfigDict
from sqlalchemy.ext.asyncio import AsyncConnection

from bus.calendars import Calendars
from metrics_worker import rows
from metrics_worker.contacts import ContactFacts, feedback_of
from metrics_worker.contribution import Measure, keys_of, measures
from metrics_worker.event import time_of
from metrics_worker.facts import Fact, FactKind, TicketFacts
from metrics_worker.groups import MergeGroup

_PAGE = 1_000
_ROOTS = sa.text("""
    SELECT ticket_id FROM metrics.ticket_facts
    WHERE root_id = ticket_id AND ticket_id > :after
      AND (CAST(:contacts AS text[]) IS NULL OR contact_id = ANY(CAST(:contacts AS text[])))
      AND (CAST(:account AS text) IS NULL OR account_id = CAST(:account AS text))
      AND (CAST(:team AS text) IS NULL OR team_id = CAST(:team AS text))
    ORDER BY ticket_id LIMIT :page
""")
_GROUP = sa.text("""
    SELECT m.contact_id FROM metrics.contacts AS c JOIN metrics.contacts AS m ON m.root_id = c.root_id
    WHERE c.contact_id = :contact
""")
_FEEDBACK = sa.text("""
    SELECT document FROM metrics.contacts
    WHERE CAST(:contacts AS text[]) IS NULL OR contact_id = ANY(CAST(:contacts AS text[])) ORDER BY contact_id
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


class Scope(NamedTuple):
    """Whose figure is asked for, and the tickets it can come from; `contacts`: a contact and all merged with it."""

    keys: frozenset[str]
    contacts: tuple[str, ...] | None = None
    account: str | None = None
    team: str | None = None


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


async def scope_of(connection: AsyncConnection, key: str) -> Scope:
    """The scope of a key."""
    kind, _, name = key.partition(":")
    if kind == "contact":
        group = tuple((await connection.scalars(_GROUP, {"contact": name})).all()) or (name,)
        return Scope(frozenset(f"contact:{each}" for each in group), contacts=group)
    return Scope(frozenset([key]), account=name if kind == "account" else None, team=name if kind == "team" else None)


async def why(connection: AsyncConnection, key: str, figure: str, calendars: Calendars) -> AsyncIterator[Share]:
    """All shares of a figure, by ticket id. `connection` is in a repeatable-read transaction: one state of all."""
    scope = await scope_of(connection, key)
    if figure == "feedback":
        for share in await _feedback(connection, scope):
            yield share
        return
    async for group in groups(connection, scope):
        for share in shares(group, scope.keys, figure, calendars):
            yield share


async def groups(connection: AsyncConnection, scope: Scope) -> AsyncIterator[MergeGroup]:
    """The merge groups that can add to figures of the scope, by id of their roots."""
    after = ""
    where = {
        "contacts": None if scope.contacts is None else list(scope.contacts),
        "account": scope.account,
        "team": scope.team,
        "page": _PAGE,
    }
    while True:
        roots = (await connection.scalars(_ROOTS, {"after": after, **where})).all()
        if not roots:
            return
        after = roots[-1]
        stored = await rows.tickets(connection, roots)
        members: dict[str, list[TicketFacts]] = {}
        for row in stored.values():
            if row.root_id != row.facts.ticket_id:
                members.setdefault(row.root_id, []).append(row.facts)
        for root in roots:
            yield MergeGroup(root, stored[root].facts, tuple(members.get(root, ())))


async def _feedback(connection: AsyncConnection, scope: Scope) -> list[Share]:
    contacts = None if scope.contacts is None else list(scope.contacts)
    documents = (await connection.scalars(_FEEDBACK, {"contacts": contacts})).all()
    return list(_of_contacts(map(ContactFacts.from_json, documents), scope.keys))


def _of_contacts(contacts: Iterator[ContactFacts], keys: frozenset[str]) -> Iterator[Share]:
    for contact in contacts:
        for key, fact in feedback_of(contact):
            if key in keys:
                reference = _reference(fact)
                yield Share(
                    ticket_id=None, number=None, contact_id=contact.contact_id, n=1, sum=1, since=reference, until=None
                )
