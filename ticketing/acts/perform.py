"""Performing an act: lock, read, check the version, decide, store, tell, in one transaction; once under each key."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from bus.calendars import instant
from bus.errors import Invalid, Retryable
from bus.failpoints import failpoint
from bus.progress import database_error
from bus.together import Writes
from ticketing.acts import locked
from ticketing.acts.act import Act
from ticketing.acts.desk import Desk
from ticketing.acts.errors import Forbidden, Stale, Unknown
from ticketing.acts.kind import ActKind, Asked, Input, OpeningKind, ToOpen
from ticketing.acts.on_graph import Region
from ticketing.acts.performed import DoneMeanwhile, Performed, digest, earlier, remember, remembered, same
from ticketing.acts.scene import Scene, Stage
from ticketing.arrivals import Arrivals
from ticketing.catching_up import catch_up
from ticketing.outbox import append
from ticketing.people.policy import Permission, Who, may
from ticketing.store import store_rows
from ticketing.tables import DESK_LOCK
from ticketing.tickets import Ticket
from ticketing.timing import set_due_times

_DESK_LOCK = sa.text("SELECT pg_advisory_xact_lock(:lock)")


async def perform(
    engine: AsyncEngine,
    kind: ActKind[Any, Any],
    ref: locked.Ref,
    given: Input,
    who: Who,
    *,
    desk: Desk,
    key: str,
    version: int | None = None,
    now: datetime | None = None,
) -> Performed:
    """Do one act on the ticket that works under `ref`, its number or id.

    `version`: what the ticket must still be at; None where it does not matter. Under the same `key` it is done once,
    and what came of it then is given again.

    Raises Unknown, Forbidden, Stale, Invalid (in words for whoever acts), and Retryable.
    """
    now = now or datetime.now(UTC)
    asked = digest(kind.name, given.model_dump_json())
    act = Act(key, who.agent_id)
    try:
        async with transaction(engine) as connection:
            if kind.on_graph:
                await connection.execute(_DESK_LOCK, {"lock": DESK_LOCK})
            scene = await _scene(connection, kind, ref, given, who, desk, act, now)
            _must_be_at(version, scene.ticket)
            loaded = scene.facts.tickets.values() if isinstance(scene.facts, Region) else [scene.ticket]
            scene.decision.owed += await catch_up(connection, loaded, now)
            # who waited for the lock while something was told comes after it
            scene.now = max(now, *(instant(ticket.timed.told) for ticket in loaded))
            done = await _settle(connection, scene, kind.decide(scene, given) or scene.ticket, kind.name, asked)
    except (DoneMeanwhile, Stale, Unknown, Forbidden, Invalid):
        # the same request may have been here while this one waited; what it found then refuses this one
        async with transaction(engine) as connection:
            before = await earlier(connection, key)
            if before is None:
                raise
            return same(before, who, asked, (await locked.find(connection, ref, key)).root_id)
    failpoint("act.after_commit")
    return done


async def perform_opening(
    engine: AsyncEngine,
    kind: OpeningKind[Any, Any],
    given: Input,
    who: Who,
    *,
    desk: Desk,
    key: str,
    now: datetime | None = None,
) -> Performed:
    """Do an act that opens a ticket. Raises Forbidden, Invalid, and Retryable; see `perform`."""
    now = now or datetime.now(UTC)
    asked = digest(kind.name, given.model_dump_json())
    async with transaction(engine) as connection:
        await connection.execute(_DESK_LOCK, {"lock": DESK_LOCK})
        before = await earlier(connection, key)
        if before is not None:
            return same(before, who, asked, None)
        facts = await kind.read(connection, ToOpen(given, who, desk, now))
        stage = Stage(who=who, act=Act(key, who.agent_id), now=now, desk=desk, facts=facts)
        ticket = kind.decide(stage, given)
        if not may(who, kind.permission, ticket.department):
            raise Forbidden(f"you may not open a ticket in department {ticket.department or 'everybody'}")
        done = await _settle(connection, stage, ticket, kind.name, asked)
    failpoint("act.after_commit")
    return done


async def _scene(
    connection: AsyncConnection,
    kind: ActKind[Any, Any],
    ref: locked.Ref,
    given: Input,
    who: Who,
    desk: Desk,
    act: Act,
    now: datetime,
) -> Scene[Any]:
    if not kind.on_graph:
        ticket, named_id, done = await locked.group(connection, ref, act.key)
        if done:
            raise DoneMeanwhile
        _check(kind, who, str(ref), ticket.department)
        facts = await kind.read(connection, Asked(ticket.id, named_id, given, who, desk, now))
        return Scene(ticket=ticket, who=who, act=act, now=now, desk=desk, facts=facts)
    # the desk's lock is held: nobody else merges anything, and all the tickets are locked at once, in their order
    found = await locked.find(connection, ref, act.key)
    if found.done:
        raise DoneMeanwhile
    _check(kind, who, str(ref), found.department)
    region: Region = await kind.read(connection, Asked(found.root_id, found.id, given, who, desk, now))
    for other in region.concerned:
        _check(kind, who, str(other.number), other.department)
    return Scene(ticket=region.tickets[found.root_id], who=who, act=act, now=now, desk=desk, facts=region)


def _must_be_at(version: int | None, ticket: Ticket) -> None:
    if version is not None and version != ticket.version:
        raise Stale(ticket.version)


def _check(kind: ActKind[Any, Any], who: Who, named: str, department: str) -> None:
    if not may(who, Permission.SEE_TICKETS, department):
        raise Unknown(f"there is no ticket {named}")
    if not may(who, kind.permission, department):
        raise Forbidden(f"you may not do this to ticket {named}")


async def _settle(connection: AsyncConnection, stage: Stage[Any], result: Ticket, kind: str, asked: str) -> Performed:
    """Write everything, the outbox last; what came of it."""
    decision, writes = stage.decision, Writes()
    for written in stage.writes:
        await written.by(writes)
    decision.brakes = stage.brakes
    await set_due_times(connection, decision, stage.desk.levels, stage.now)
    await store_rows(writes, decision, Arrivals(), stage.now)
    events = tuple(told.value for told in decision.ticket_events)
    place = await remember(writes, stage.act.key, stage.who, kind, asked, result.id, events, stage.now)
    failpoint("act.before_outbox")
    await append(
        writes,
        ticket_events=decision.to_tell,
        contact_events=decision.contact_events,
        replies=decision.replies,
    )
    done = remembered((await writes.send(connection))[place], events)
    failpoint("act.before_commit")
    return done


@asynccontextmanager
async def transaction(engine: AsyncEngine) -> AsyncIterator[AsyncConnection]:
    """One transaction, its database errors in our terms."""
    try:
        async with engine.begin() as connection:
            yield connection
    except DBAPIError as error:
        raise database_error(error) from error
    except PoolTimeout as error:
        raise Retryable("the database: no connection is free") from error
