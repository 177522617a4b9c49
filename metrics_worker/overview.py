"""Reading the pages of a contact, an account, an agent and the team: what the agents' API and the terminal show.

Names of people and words of ratings are the desk's to add (metrics_worker.naming). `connection` is in a
repeatable-read transaction.
"""

from collections.abc import AsyncIterator, Callable, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, TypeVar

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from bus.calendars import micros
from bus.figures import AsOf, Figure
from metrics_worker import snapshot
from metrics_worker.behind import behind
from metrics_worker.columns import Columns
from metrics_worker.contribution import CELL
from metrics_worker.event import time_of
from metrics_worker.facts import RATED, RESPONSE, Fact
from metrics_worker.figures import figures, parsed
from metrics_worker.groups import MergeGroup
from metrics_worker.pages import Activity, Headquarters, Overview, Rating, Scorecard, Slice
from metrics_worker.scope import Newest, Scope, newest, scope_of
from metrics_worker.snapshot import Names
from metrics_worker.trend import trend

TICKETS = "/api/v1/tickets/"
STAFF = "(key LIKE 'agent:%' OR key LIKE 'team:%')"
"""Agents, teams and cells, in the words of their index."""

_CELLS = sa.text(f"""
    SELECT key, counts, durations FROM metrics.figures
    WHERE {STAFF} AND starts_with(key, :prefix) ORDER BY key
""")  # noqa: S608  # words of our own, here and below
_STAFF = sa.text(f"SELECT key FROM metrics.figures WHERE {STAFF} AND strpos(key, :cell) = 0 ORDER BY key")  # noqa: S608
_REVISION = f"""
    SELECT (SELECT coalesce(sum(revision), 0) FROM metrics.figures WHERE {STAFF})
         + coalesce((SELECT revision FROM metrics.figures WHERE key = 'desk'), 0)
"""  # noqa: S608
HEADQUARTERS_REVISION = sa.text(_REVISION)
"""Rises whenever any figure of the desk, a team or an agent changes: each revision rises, and no key goes."""
_ASSOCIATES = sa.text("""
    SELECT contact_id FROM metrics.contacts WHERE account_id = :account ORDER BY contact_id LIMIT :most
""")
_MOST_ASSOCIATES = 1_000
_DAY = 86_400_000_000

Dated = TypeVar("Dated", Activity, Rating)


async def overview(connection: AsyncConnection, names: Names, key: str, now: datetime, *, limit: int = 100) -> Overview:
    """The page of `contact:<id>` or `account:<id>`, with its newest `limit` activities and ratings.

    It is read from the newest day on, as far as these reach, whatever else there is.
    """
    document = await _document(connection, names, key)
    scope = await scope_of(connection, key)
    activity = await _newest(newest(connection, scope, "last_day"), activities, limit)
    ratings = await _newest(newest(connection, scope, "rated_day"), ratings_of, limit)
    shown = parsed(document["figures"])
    return Overview(
        key=key,
        revision=document["revision"],
        as_of=document["as_of"],
        behind=await behind(connection, now),
        figures=shown,
        donut=donut(shown),
        activity=activity,
        ratings=ratings,
        contacts=await _people(connection, scope, activity),
    )


async def scorecard(
    connection: AsyncConnection, names: Names, agent_id: str, first: int, last: int, now: datetime
) -> Scorecard:
    """An agent's page; its trend from one local day to another (days since 1970)."""
    key = f"agent:{agent_id}"
    document = await _document(connection, names, key)
    return Scorecard(
        key=key,
        revision=document["revision"],
        as_of=document["as_of"],
        behind=await behind(connection, now),
        figures=parsed(document["figures"]),
        trend=await trend(connection, key, first, last),
    )


async def headquarters(connection: AsyncConnection, names: Names, now: datetime) -> Headquarters:
    """The desk with all teams and agents, from one state."""
    keys = (await connection.scalars(_STAFF, {"cell": CELL})).all()
    documents = {each["key"]: each for each in await snapshot.read(connection, names, ["desk", *keys], every=True)}
    shown = {key: parsed(document["figures"]) for key, document in documents.items()}
    teams = {key.removeprefix("team:"): found for key, found in shown.items() if key.startswith("team:")}
    return Headquarters(
        revision=int(await connection.scalar(HEADQUARTERS_REVISION) or 0),
        as_of=AsOf(**documents["desk"]["as_of"]) if "desk" in documents else None,
        behind=await behind(connection, now),
        desk=shown.get("desk") or parsed(figures({}, every=True)),
        teams=teams,
        agents={key.removeprefix("agent:"): found for key, found in shown.items() if key.startswith("agent:")},
        members={team: await _members(connection, team) for team in teams},
    )


async def _members(connection: AsyncConnection, team: str) -> dict[str, dict[str, Figure]]:
    prefix = f"team:{team}{CELL}agent:"
    rows = await connection.execute(_CELLS, {"prefix": prefix})
    found = {key.removeprefix(prefix): Columns(*columns).parts for key, *columns in rows}
    return {agent: parsed(figures(*parts)) for agent, parts in found.items() if any(parts)}


async def _document(connection: AsyncConnection, names: Names, key: str) -> Mapping[str, Any]:
    """The figures of a key, those that are 0 too; of one that is not known, nothing but these."""
    found = await snapshot.read(connection, names, [key], every=True)
    return found[0] if found else {"revision": 0, "as_of": None, "figures": figures({}, every=True)}


async def _people(connection: AsyncConnection, scope: Scope, activity: Sequence[Activity]) -> list[str]:
    """A contact's group; of an account who is at it, and whose tickets are shown."""
    if scope.account is None:
        return sorted(scope.contacts or ())
    where = {"account": scope.account, "most": _MOST_ASSOCIATES}
    at_it = (await connection.scalars(_ASSOCIATES, where)).all()
    return sorted({*at_it, *(each.contact_id for each in activity if each.contact_id is not None)})


async def _newest(found: AsyncIterator[Newest], of: Callable[[MergeGroup], Iterable[Dated]], limit: int) -> list[Dated]:
    """The newest `limit` of all groups, the newest first; read until none that comes can be among them."""
    kept: list[Dated] = []
    async for day, groups in found:
        for group in groups:
            if group.root is not None and not group.root.spam:
                kept += of(group)
        kept = sorted(kept, key=lambda each: (each.at, each.event_id), reverse=True)[:limit]
        if len(kept) == limit and micros(kept[-1].at) // _DAY > day:
            break
    return kept


def donut(shown: Mapping[str, Figure]) -> list[Slice]:
    """Tickets by channel, the largest first. Pure."""
    slices = [
        Slice(channel=name.removeprefix("by_channel."), tickets=figure.count, percent=figure.percent or 0)
        for name, figure in shown.items()
        if name.startswith("by_channel.")
    ]
    return sorted(slices, key=lambda slice_: (-slice_.tickets, slice_.channel))


def activities(group: MergeGroup) -> Iterable[Activity]:
    """What happened on a ticket and on all that was merged into it. Pure."""
    root = group.root
    if root is None:
        return
    status = "closed" if root.closed else "open"
    for fact in (*group.union, *root.turns):
        yield Activity(
            at=time_of(fact.at),
            kind=fact.kind,
            ticket_id=root.ticket_id,
            number=root.number,
            link=f"{TICKETS}{root.number}",
            status=status,
            channel=fact.what if fact.kind in ("opened", "customer_message") else None,
            agent_id=fact.agent if fact.code == RESPONSE else fact.agent or root.owner_id,
            contact_id=root.contact_id,
            event_id=fact.event_id,
        )


def ratings_of(group: MergeGroup) -> Iterable[Rating]:
    """The ratings in force of a ticket. Pure."""
    root = group.root
    if root is None:
        return
    yield from (_rating(root.ticket_id, root.number, fact) for fact in group.union if fact.code == RATED)


def _rating(ticket_id: str, number: int, fact: Fact) -> Rating:
    return Rating(
        at=time_of(fact.at),
        ticket_id=ticket_id,
        number=number,
        link=f"{TICKETS}{number}",
        rating=fact.what or "",
        reply_id=fact.about,
        agent_id=fact.agent,
        has_words=fact.words,
        event_id=fact.event_id,
    )
