"""Why a figure is what it is: every ticket that adds to it, how much, and between which two events."""

import json
from collections.abc import AsyncIterator
from datetime import datetime
from typing import NamedTuple

import sqlalchemy as sa
from pydantic import BaseModel, ConfigDict
from sqlalchemy.ext.asyncio import AsyncConnection

from bus.calendars import Calendars
from metrics_worker import rows
from metrics_worker.contacts import ContactFacts, feedback_of
from metrics_worker.contribution import Measure, keys_of, measures
from metrics_worker.driver import driver
from metrics_worker.event import time_of
from metrics_worker.facts import Fact, FactKind, TicketFacts
from metrics_worker.groups import MergeGroup

_PAGE = 1_000
_LOOKED_AT = 5_000
"""So many tickets are looked at for one page, which may stay short: nobody waits for those that add nothing."""

# what the figure's tickets have in common is tried on their documents as they are kept, before these are read
_ROOTS = sa.text("""
    SELECT r.ticket_id FROM metrics.ticket_facts AS r
    WHERE r.root_id = r.ticket_id AND r.ticket_id > :after
      AND (CAST(:contacts AS text[]) IS NULL OR r.contact_id = ANY(CAST(:contacts AS text[])))
      AND (CAST(:account AS text) IS NULL OR r.account_id = CAST(:account AS text))
      AND (CAST(:team AS text) IS NULL OR r.team_id = CAST(:team AS text))
      AND (CAST(:agent AS text) IS NULL OR r.owner_id = CAST(:agent AS text) OR EXISTS (
            SELECT FROM metrics.ticket_facts AS m
            WHERE (m.ticket_id = r.ticket_id OR m.root_id = r.ticket_id AND m.root_id <> m.ticket_id)
              AND strpos(m.document, CAST(:agent_quoted AS text)) > 0))
      AND (CAST(:says AS text) IS NULL OR EXISTS (
            SELECT FROM metrics.ticket_facts AS m
            WHERE (m.ticket_id = r.ticket_id OR m.root_id = r.ticket_id AND m.root_id <> m.ticket_id)
              AND strpos(m.document, CAST(:says AS text)) > 0))
      AND (NOT CAST(:waiting AS boolean) OR r.waiting_since IS NOT NULL)
    ORDER BY r.ticket_id LIMIT :page
""")
_GROUP = sa.text("""
    SELECT m.contact_id FROM metrics.contacts AS c JOIN metrics.contacts AS m ON m.root_id = c.root_id
    WHERE c.contact_id = :contact
""")
_FEEDBACK = sa.text("""
    SELECT document FROM metrics.contacts
    WHERE (CAST(:contacts AS text[]) IS NULL OR contact_id = ANY(CAST(:contacts AS text[])))
      AND contact_id > :after AND document NOT LIKE '%,[]]'
    ORDER BY contact_id LIMIT :page
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
    agent: str | None = None


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


async def scope_of(connection: AsyncConnection, key: str) -> Scope:
    """The scope of a key."""
    kind, _, name = key.partition(":")
    if kind == "contact":
        group = tuple((await connection.scalars(_GROUP, {"contact": name})).all()) or (name,)
        return Scope(frozenset(f"contact:{each}" for each in group), contacts=group)
    account, team, agent = (name if kind == each else None for each in ("account", "team", "agent"))
    return Scope(frozenset([key]), account=account, team=team, agent=agent)


async def why(connection: AsyncConnection, key: str, figure: str, calendars: Calendars) -> AsyncIterator[Share]:
    """All shares of a figure, by ticket id. `connection` is in a repeatable-read transaction: one state of all."""
    scope = await scope_of(connection, key)
    async for _, found in _found(connection, scope, figure, calendars):
        for share in found:
            yield share


async def page(
    connection: AsyncConnection, key: str, figure: str, calendars: Calendars, *, after: str = "", limit: int = 100
) -> Page:
    """The shares of the tickets after one, about `limit` of them: a ticket's are never torn apart."""
    scope, kept, looked = await scope_of(connection, key), list[Share](), 0
    async for id_, found in _found(connection, scope, figure, calendars, after):
        kept += found
        looked += 1
        if len(kept) >= limit or looked >= _LOOKED_AT:
            return Page(kept, id_)
    return Page(kept, None)


async def _found(
    connection: AsyncConnection, scope: Scope, figure: str, calendars: Calendars, after: str = ""
) -> AsyncIterator[tuple[str, list[Share]]]:
    """Ticket after ticket that may add something, with its shares; of feedback, contact after contact."""
    if figure == "feedback":
        async for contact in _who_gave_feedback(connection, scope, after):
            yield contact.contact_id, _feedback(contact, scope.keys)
        return
    async for group in groups(connection, scope, figure=figure, after=after):
        yield group.root_id, shares(group, scope.keys, figure, calendars)


async def groups(
    connection: AsyncConnection, scope: Scope, *, figure: str | None = None, after: str = ""
) -> AsyncIterator[MergeGroup]:
    """The merge groups that can add to figures of the scope, by id of their roots; `figure`: to this one."""
    where = {
        "contacts": None if scope.contacts is None else list(scope.contacts),
        "account": scope.account,
        "team": scope.team,
        "agent": scope.agent,
        "agent_quoted": _quoted(scope.agent),
        "says": _says(figure),
        "waiting": figure == "unanswered",
        "page": _PAGE,
    }
    while True:
        roots = (await connection.scalars(_ROOTS, {"after": after, **where})).all()
        if not roots:
            return
        after = roots[-1]
        stored = await rows.tickets(await driver(connection), roots)
        members: dict[str, list[TicketFacts]] = {}
        for row in stored.values():
            if row.root_id != row.facts.ticket_id:
                members.setdefault(row.root_id, []).append(row.facts)
        for root in roots:
            yield MergeGroup(root, stored[root].facts, tuple(members.get(root, ())))


def _says(figure: str | None) -> str | None:
    """What must stand in a document of the group for it to add to the figure; None: nothing is known."""
    name, _, what = (figure or "").partition(".")
    if name in ("by_channel", "messages_by_channel") or what in ("good", "ok", "bad"):
        return _quoted(what)
    return None


def _quoted(text: str | None) -> str | None:
    """As it stands in a document."""
    return None if text is None else json.dumps(text, ensure_ascii=False)


async def _who_gave_feedback(connection: AsyncConnection, scope: Scope, after: str) -> AsyncIterator[ContactFacts]:
    contacts = None if scope.contacts is None else list(scope.contacts)
    while True:
        where = {"contacts": contacts, "after": after, "page": _PAGE}
        found = [ContactFacts.from_json(each) for each in (await connection.scalars(_FEEDBACK, where)).all()]
        if not found:
            return
        after = found[-1].contact_id
        for contact in found:
            yield contact


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
