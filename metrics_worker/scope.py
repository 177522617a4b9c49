"""Whose figures are asked for, and the merge groups that they can come from: by id, or the newest first.

A desk may have millions of tickets. Each step looks at so many of them and no more, whether they add something or not.
"""

import json
from collections.abc import AsyncIterator, Sequence
from typing import Literal, NamedTuple

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from metrics_worker import rows
from metrics_worker.driver import driver
from metrics_worker.facts import TicketFacts
from metrics_worker.groups import MergeGroup

LOOK = 1_000
_NEWEST = 200
_AFTER_ALL_DAYS = 2**31 - 1

# Only roots that count have a day.
_COUNTING = "metrics.ticket_facts AS r WHERE r.last_day IS NOT NULL"
_RATED = "metrics.ticket_facts AS r WHERE r.rated_day IS NOT NULL"
_WAITING = "metrics.clocks AS r WHERE r.waiting_since IS NOT NULL"
# The limit comes first: what the figure's tickets have in common is tried on no others, and on their documents as they
# are kept.
_LOOK = """
    WITH looked AS MATERIALIZED (
        SELECT r.ticket_id, r.owner_id FROM {these} AND r.ticket_id > :after
          AND (CAST(:contacts AS text[]) IS NULL OR r.contact_id = ANY(CAST(:contacts AS text[])))
          AND (CAST(:account AS text) IS NULL OR r.account_id = CAST(:account AS text))
          AND (CAST(:team AS text) IS NULL OR r.team_id = CAST(:team AS text))
          AND (CAST(:owner AS text) IS NULL OR r.owner_id = CAST(:owner AS text))
        ORDER BY r.ticket_id LIMIT :look
    )
    SELECT count(*) AS n, max(l.ticket_id) AS last, array_agg(l.ticket_id ORDER BY l.ticket_id) FILTER (WHERE
        (CAST(:agent AS text) IS NULL OR l.owner_id = CAST(:agent AS text) OR EXISTS (
            SELECT FROM metrics.ticket_facts AS m
            WHERE (m.ticket_id = l.ticket_id OR m.root_id = l.ticket_id AND m.root_id <> m.ticket_id)
              AND strpos(m.document, CAST(:agent_quoted AS text)) > 0))
        AND (CAST(:says AS text) IS NULL OR EXISTS (
            SELECT FROM metrics.ticket_facts AS m
            WHERE (m.ticket_id = l.ticket_id OR m.root_id = l.ticket_id AND m.root_id <> m.ticket_id)
              AND strpos(m.document, CAST(:says AS text)) > 0))
    ) AS found
    FROM looked AS l
"""
_LOOK_AT = {these: sa.text(_LOOK.format(these=these)) for these in (_COUNTING, _RATED, _WAITING)}
_BY_DAY = {
    day: sa.text(f"""
        SELECT r.ticket_id, r.{day} AS day FROM metrics.ticket_facts AS r
        WHERE r.{day} IS NOT NULL AND (r.{day}, r.ticket_id) < (:day, :before)
          AND (CAST(:contacts AS text[]) IS NULL OR r.contact_id = ANY(CAST(:contacts AS text[])))
          AND (CAST(:account AS text) IS NULL OR r.account_id = CAST(:account AS text))
        ORDER BY r.{day} DESC, r.ticket_id DESC LIMIT :page
    """)  # noqa: S608  # one of two names of ours
    for day in ("last_day", "rated_day")
}
_GROUP = sa.text("""
    SELECT m.contact_id FROM metrics.contacts AS c JOIN metrics.contacts AS m ON m.root_id = c.root_id
    WHERE c.contact_id = :contact
""")


class Scope(NamedTuple):
    """Whose figure is asked for, and the tickets it can come from; `contacts`: a contact and all merged with it."""

    keys: frozenset[str]
    contacts: tuple[str, ...] | None = None
    account: str | None = None
    team: str | None = None
    agent: str | None = None


class Looked(NamedTuple):
    """`n` tickets were looked at, `last` of them at last; `groups`: those that can add something, by id of root."""

    n: int
    last: str
    groups: Sequence[MergeGroup]


class Newest(NamedTuple):
    """Groups on which something happened; on none that comes after them, anything later than `day`."""

    day: int
    groups: Sequence[MergeGroup]


async def scope_of(connection: AsyncConnection, key: str) -> Scope:
    """The scope of a key."""
    kind, _, name = key.partition(":")
    if kind == "contact":
        group = tuple((await connection.scalars(_GROUP, {"contact": name})).all()) or (name,)
        return Scope(frozenset(f"contact:{each}" for each in group), contacts=group)
    account, team, agent = (name if kind == each else None for each in ("account", "team", "agent"))
    return Scope(frozenset([key]), account=account, team=team, agent=agent)


async def look(
    connection: AsyncConnection, scope: Scope, *, figure: str = "", after: str = "", at_once: int = LOOK
) -> AsyncIterator[Looked]:
    """All tickets of the scope after one, by id, with the merge groups that can add to figures; `figure`: to this."""
    # a rating is its writer's, whoever owns the ticket
    rated = figure.partition(".")[0] == "happiness"
    where = {
        "contacts": None if scope.contacts is None else list(scope.contacts),
        "account": scope.account,
        "team": scope.team,
        "owner": None if rated else scope.agent,
        "agent": scope.agent if rated else None,
        "agent_quoted": None if scope.agent is None else _quoted(scope.agent),
        "says": _says(figure),
        "look": at_once,
    }
    statement = _LOOK_AT[_RATED if rated else _WAITING if figure == "unanswered" else _COUNTING]
    while True:
        n, last, found = (await connection.execute(statement, {"after": after, **where})).one()
        if not n:
            return
        yield Looked(n, last, await _groups(connection, found or ()))
        if n < at_once:
            return
        after = last


async def newest(
    connection: AsyncConnection, scope: Scope, day: Literal["last_day", "rated_day"]
) -> AsyncIterator[Newest]:
    """The groups of a contact or an account, from the newest day to the oldest: of anything, or of ratings."""
    where = {
        "contacts": None if scope.contacts is None else list(scope.contacts),
        "account": scope.account,
        "page": _NEWEST,
    }
    at, before = _AFTER_ALL_DAYS, ""
    while found := (await connection.execute(_BY_DAY[day], {"day": at, "before": before, **where})).all():
        before, at = found[-1]
        yield Newest(at, await _groups(connection, [ticket_id for ticket_id, _ in found]))
        if len(found) < _NEWEST:
            return


async def _groups(connection: AsyncConnection, roots: Sequence[str]) -> list[MergeGroup]:
    if not roots:
        return []
    stored = await rows.tickets(await driver(connection), roots)
    members: dict[str, list[TicketFacts]] = {}
    for row in stored.values():
        if row.root_id != row.facts.ticket_id:
            members.setdefault(row.root_id, []).append(row.facts)
    return [MergeGroup(root, stored[root].facts, tuple(members.get(root, ()))) for root in roots]


def _says(figure: str) -> str | None:
    """What must stand in a document of the group for it to add to the figure; None: nothing is known."""
    name, _, what = figure.partition(".")
    if name in ("by_channel", "messages_by_channel") or what in ("good", "ok", "bad"):
        return _quoted(what)
    return None


def _quoted(text: str) -> str:
    """As it stands in a document."""
    return json.dumps(text, ensure_ascii=False)
