"""The pages of a contact, an account, an agent and the team, as data: what the agents' API and the terminal show.

Names of people are the desk's to add: here are ids. `connection` is in a repeatable-read transaction.
"""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from pydantic import BaseModel, ConfigDict
from sqlalchemy.ext.asyncio import AsyncConnection

from bus.figures import Figure
from metrics_worker import snapshot
from metrics_worker.contribution import CELL
from metrics_worker.event import time_of
from metrics_worker.facts import RATED, RESPONSE, Fact
from metrics_worker.figures import figures, parsed
from metrics_worker.groups import MergeGroup
from metrics_worker.snapshot import Names
from metrics_worker.why import Scope, groups, scope_of

_DAYS = sa.text("""
    SELECT day, counters::json AS counters FROM metrics.days
    WHERE key = :key AND day BETWEEN :first AND :last ORDER BY day
""")
_CELLS = sa.text(
    "SELECT key, counters::json AS counters FROM metrics.figures WHERE starts_with(key, :prefix) ORDER BY key"
)
_AGENTS = sa.text("""
    SELECT key FROM metrics.figures WHERE (key LIKE 'agent:%' OR key LIKE 'team:%') AND strpos(key, :cell) = 0
    ORDER BY key
""")
_BEHIND = sa.text("SELECT min(next_due) FROM metrics.ticket_facts")
_ASSOCIATES = sa.text("""
    SELECT contact_id FROM metrics.contacts WHERE account_id = :account
    UNION SELECT contact_id FROM metrics.ticket_facts WHERE account_id = :account AND contact_id IS NOT NULL
    ORDER BY 1
""")


class _Page(BaseModel):
    model_config = ConfigDict(frozen=True)


class Activity(_Page):
    """One thing on the time line of a contact or account: `agent_id` did it, on the ticket to open from there."""

    at: datetime
    kind: str
    ticket_id: str
    number: int
    status: str
    channel: str | None = None
    agent_id: str | None = None
    event_id: str


class Slice(_Page):
    """One slice of the donut; the percentages of all add up to 100."""

    channel: str
    tickets: int
    percent: int


class Rating(_Page):
    """One rating; its words are the desk's to add when `has_words`."""

    at: datetime
    ticket_id: str
    number: int
    rating: str
    reply_id: str | None
    agent_id: str | None
    has_words: bool


class Day(_Page):
    """The figures of one local day; over all days they add up to the figures."""

    day: str
    figures: dict[str, Figure]


class Overview(_Page):
    """A contact's or account's page. `contacts`: those merged into one, or an account's associates."""

    key: str
    as_of: dict[str, Any] | None
    figures: dict[str, Figure]
    donut: list[Slice]
    activity: list[Activity]
    ratings: list[Rating]
    contacts: list[str]


class Scorecard(_Page):
    """An agent's figures, and by day."""

    key: str
    as_of: dict[str, Any] | None
    figures: dict[str, Figure]
    trend: list[Day]


class Headquarters(_Page):
    """The desk, its teams and its agents. Each team is the sum of its `agents` (agent id → figures; "": nobody's).

    `clock_behind`: seconds by which the desk's clock is late to tell that a due time has passed.
    """

    as_of: dict[str, Any] | None
    desk: dict[str, Figure]
    teams: dict[str, dict[str, Figure]]
    agents: dict[str, dict[str, Figure]]
    members: dict[str, dict[str, dict[str, Figure]]]
    clock_behind: float


async def overview(connection: AsyncConnection, names: Names, key: str, *, limit: int = 100) -> Overview:
    """The page of `contact:<id>` or `account:<id>`, with its newest `limit` activities and ratings."""
    [shown, as_of] = await _figures(connection, names, key)
    scope = await scope_of(connection, key)
    found = [group async for group in groups(connection, scope) if group.root is not None and not group.root.spam]
    activity = sorted((each for group in found for each in activities(group)), key=lambda a: a.at, reverse=True)
    ratings = sorted((each for group in found for each in ratings_of(group)), key=lambda r: r.at, reverse=True)
    return Overview(
        key=key,
        as_of=as_of,
        figures=shown,
        donut=donut(shown),
        activity=activity[:limit],
        ratings=ratings[:limit],
        contacts=await _people(connection, scope),
    )


async def scorecard(connection: AsyncConnection, names: Names, agent_id: str, first: int, last: int) -> Scorecard:
    """An agent's page; its trend from one local day to another (days since 1970)."""
    key = f"agent:{agent_id}"
    [shown, as_of] = await _figures(connection, names, key)
    return Scorecard(key=key, as_of=as_of, figures=shown, trend=await trend(connection, key, first, last))


async def headquarters(connection: AsyncConnection, names: Names, now: datetime) -> Headquarters:
    """The desk with all teams and agents, from one state."""
    keys = (await connection.scalars(_AGENTS, {"cell": CELL})).all()
    documents = {each["key"]: each for each in await snapshot.read(connection, names, ["desk", *keys], every=True)}
    shown = {key: parsed(document["figures"]) for key, document in documents.items()}
    teams = {key.removeprefix("team:"): found for key, found in shown.items() if key.startswith("team:")}
    return Headquarters(
        as_of=documents["desk"]["as_of"] if "desk" in documents else None,
        desk=shown.get("desk") or parsed(figures({}, every=True)),
        teams=teams,
        agents={key.removeprefix("agent:"): found for key, found in shown.items() if key.startswith("agent:")},
        members={team: await _members(connection, team) for team in teams},
        clock_behind=await clock_behind(connection, now),
    )


async def _members(connection: AsyncConnection, team: str) -> dict[str, dict[str, Figure]]:
    prefix = f"team:{team}{CELL}agent:"
    rows = await connection.execute(_CELLS, {"prefix": prefix})
    return {row.key.removeprefix(prefix): parsed(figures(row.counters)) for row in rows if row.counters}


async def trend(connection: AsyncConnection, key: str, first: int, last: int) -> list[Day]:
    """The days of an account, agent, team or the desk on which anything happened."""
    rows = await connection.execute(_DAYS, {"key": key, "first": first, "last": last})
    return [
        Day(day=time_of(row.day * 86_400_000_000).date().isoformat(), figures=parsed(figures(row.counters)))
        for row in rows
    ]


async def clock_behind(connection: AsyncConnection, now: datetime) -> float:
    """Seconds by which the desk's clock is late: since the first due time that has passed and was not told of."""
    due = await connection.scalar(_BEHIND)
    return 0.0 if due is None else max(0.0, (now - time_of(due)).total_seconds())


async def _figures(
    connection: AsyncConnection, names: Names, key: str
) -> tuple[dict[str, Figure], dict[str, Any] | None]:
    documents = await snapshot.read(connection, names, [key], every=True)
    if not documents:
        return parsed(figures({}, every=True)), None
    return parsed(documents[0]["figures"]), documents[0]["as_of"]


async def _people(connection: AsyncConnection, scope: Scope) -> list[str]:
    if scope.account is None:
        return sorted(scope.contacts or ())
    return list((await connection.scalars(_ASSOCIATES, {"account": scope.account})).all())


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
            status=status,
            channel=fact.what if fact.kind in ("opened", "customer_message") else None,
            agent_id=fact.agent if fact.code == RESPONSE else fact.agent or root.owner_id,
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
        rating=fact.what or "",
        reply_id=fact.about,
        agent_id=fact.agent,
        has_words=fact.words,
    )
