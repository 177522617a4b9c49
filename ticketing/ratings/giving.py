"""A rating is given, or changed: the row, and `ticket.rated` on the ticket that the answer was written in."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Literal

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from bus.settings import RatingSettings
from bus.ticket_event import Actor
from bus.ticket_event_data import Rated as RatedEvent
from ticketing import load
from ticketing.acts.perform import transaction
from ticketing.arrivals import Arrivals
from ticketing.catching_up import catch_up
from ticketing.decision import Decision
from ticketing.ratings.in_chat import MOST_TIMES
from ticketing.ratings.keeping import keep
from ticketing.ratings.links import Rated
from ticketing.store import store

Rating = Literal["good", "ok", "bad"]
LONGEST_WORDS = 2_000

_ROOT = sa.text("SELECT root_id, language FROM desk.tickets WHERE id = :id")
_ANSWER = sa.text("""
SELECT a.agent_id, a.created_at FROM desk.answers a JOIN desk.tickets t ON t.id = a.ticket_id
 WHERE CASE WHEN CAST(:reply AS text) IS NULL THEN t.root_id = :root ELSE a.id = :reply AND a.ticket_id = :ticket END
 ORDER BY a.created_at DESC, a.id LIMIT 1
""")
_GIVEN = sa.text("SELECT * FROM desk.ratings WHERE ticket_id = :ticket AND reply_id = :reply")


@dataclass(frozen=True, slots=True)
class Given:
    """What has been said so far. `closed`: it can be changed no more; `language`: the ticket's."""

    rating: Rating | None
    words: str | None
    closed: bool
    language: str | None


@dataclass(frozen=True, slots=True)
class _Now:
    rating: Rating | None
    words: str | None
    times: int
    first_at: datetime | None
    agent_id: str
    asked_at: datetime
    root: str
    language: str | None

    def closed(self, settings: RatingSettings, now: datetime) -> bool:
        if self.first_at is not None and now > self.first_at + timedelta(days=settings.change_days):
            return True
        return self.times >= MOST_TIMES or now > self.asked_at + timedelta(days=settings.open_days)


@dataclass(frozen=True, slots=True)
class _Cause:
    cause: str
    traceparent: str | None = None


async def look(engine: AsyncEngine, what: Rated, settings: RatingSettings, now: datetime | None = None) -> Given | None:
    """What has been said; None when there is nothing to rate. Raises Retryable."""
    async with transaction(engine) as connection:
        found = await _read(connection, what)
    if found is None:
        return None
    return Given(found.rating, found.words, found.closed(settings, now or datetime.now(UTC)), found.language)


async def give(
    engine: AsyncEngine,
    what: Rated,
    rating: Rating,
    words: str | None,
    settings: RatingSettings,
    now: datetime | None = None,
) -> Given | None:
    """Rate it; the same again changes nothing. None when there is nothing to rate; what is closed stays as it is.

    Raises Retryable.
    """
    now = now or datetime.now(UTC)
    words = (words or "").replace("\0", "").strip()[:LONGEST_WORDS] or None
    async with transaction(engine) as connection:
        before = await _read(connection, what)
        if before is None:
            return None
        # the lock comes first, then what it guards is read
        tickets = await load.groups(connection, {before.root})
        before = await _read(connection, what)
        if before is None or what.ticket_id not in tickets:
            return None
        if before.closed(settings, now) or (before.rating, before.words) == (rating, words):
            return Given(before.rating, before.words, before.closed(settings, now), before.language)
        times = before.times + 1
        await keep(connection, what.ticket_id, what.reply_id, before.agent_id, rating, words, times, now)
        ticket = tickets[what.ticket_id]
        owed = await catch_up(connection, tickets.values(), now)
        event = RatedEvent(rating=rating, reply_id=what.reply_id, agent_id=before.agent_id, has_words=words is not None)
        cause = _Cause(f"rating:{what.reply_id or 'whole'}:{before.times + 1}")
        actor = Actor(kind="customer", id=ticket.contact_id)
        ticket.tell("ticket.rated", event, cause, at=now, now=now, actor=actor)
        # what is promised does not change with what customers think of it
        await store(connection, Decision(changed={ticket.id: ticket}, owed=owed), Arrivals(), now, None)
        return Given(rating, words, closed=False, language=before.language)


async def _read(connection: AsyncConnection, what: Rated) -> _Now | None:
    """What there is to rate and what was said; of a whole conversation its latest answer says whose it is."""
    ticket = (await connection.execute(_ROOT, {"id": what.ticket_id})).one_or_none()
    if ticket is None:
        return None
    on = {"root": ticket.root_id, "ticket": what.ticket_id, "reply": what.reply_id}
    answer = (await connection.execute(_ANSWER, on)).one_or_none()
    if answer is None:
        return None
    given = (await connection.execute(_GIVEN, {"ticket": what.ticket_id, "reply": what.reply_id or ""})).one_or_none()
    return _Now(
        rating=given.rating if given else None,
        words=given.words if given else None,
        times=given.times if given else 0,
        first_at=given.first_at if given else None,
        agent_id=given.agent_id if given else answer.agent_id,
        asked_at=answer.created_at,
        root=ticket.root_id,
        language=ticket.language,
    )
