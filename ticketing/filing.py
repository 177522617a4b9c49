"""Filing: a batch of messages becomes tickets, history and answers, in one transaction, exactly once."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Protocol
from uuid import uuid4

import sqlalchemy as sa
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from bus.failpoints import failpoint
from bus.progress import database_error
from bus.record import Received
from ticketing import brakes_store, load
from ticketing.accounts import AccountRules
from ticketing.alarm import Alarm
from ticketing.arrivals import Arrivals, Filed, arrivals
from ticketing.brakes import Brakes, BrakesKnown, source
from ticketing.components import Component, components, lost_roots
from ticketing.confirm import Confirming
from ticketing.confirmations import Confirmations, confirmations
from ticketing.decide import Deciding
from ticketing.decision import Known
from ticketing.decode import decode
from ticketing.graph import Graph, graph
from ticketing.identities import mailbox_of
from ticketing.incoming import Ignorable, Incoming
from ticketing.load_people import people
from ticketing.store import store
from ticketing.tables import DESK_LOCK

_LOCK = sa.text("SELECT pg_advisory_xact_lock(:lock)")


class Moves(Protocol):
    """Progress that is moved in the transaction of the work (bus.progress.FencedProgress)."""

    async def move(self, connection: AsyncConnection, batch: Sequence[Received]) -> None: ...


def _new_id() -> str:
    return uuid4().hex


def _now() -> datetime:
    return datetime.now(UTC)


@dataclass(frozen=True, slots=True)
class Filing:
    """bus.loop.BatchHandler over `messages.*`. Several processes may file: the desk's lock lets one in at a time."""

    engine: AsyncEngine
    progress: Moves
    confirming: Confirming
    max_references: int = 100
    rules: AccountRules = field(default_factory=AccountRules)
    alarm: Alarm = field(default_factory=Alarm)
    mint: Callable[[], str] = _new_id
    clock: Callable[[], datetime] = _now

    async def __call__(self, batch: Sequence[Received], /) -> None:
        """File a batch, wholly or not at all. Raises Invalid, Retryable, Fenced."""
        decoded = [self._decode(record) for record in batch]
        try:
            async with self.engine.connect() as connection, connection.begin():
                await connection.execute(_LOCK, {"lock": DESK_LOCK})
                # early in the transaction, so that who has been replaced learns it before it works; the row stays
                # locked to the end, so that nobody takes over in between
                await self.progress.move(connection, batch)
                brakes = await self._file(connection, decoded)
                failpoint("file.before_commit")
        except DBAPIError as error:
            raise database_error(error) from error
        self.alarm.heed(brakes)
        failpoint("file.after_commit")

    def _decode(self, record: Received) -> Incoming | Ignorable:
        confirming = self.confirming
        return decode(record, confirming.tokens, max_references=self.max_references, agents=confirming.agents)

    async def _file(self, connection: AsyncConnection, decoded: Sequence[Incoming | Ignorable]) -> Brakes:
        now = self.clock()
        on_file = await load.filed(connection, {each.id for each in decoded if isinstance(each, Incoming)})
        sorted_ = arrivals(decoded, on_file)
        seen = await self._graph(connection, sorted_.fresh)
        joined = components(seen, sorted_.fresh)
        lost = lost_roots(seen, sorted_.fresh)
        known = await self._known(connection, joined, sorted_, on_file, lost, seen)
        confirm = await self._confirmations(connection, joined, now)
        decision = Deciding(known, seen, confirm, self.mint, now)(joined, sorted_)
        later = (sorted_.revised.keys() | sorted_.replayed.keys()) & on_file.keys()
        documents = await load.documents(connection, later)
        await brakes_store.write(connection, confirm.brakes, now)
        await store(connection, decision, sorted_, lost, documents, now)
        return confirm.brakes

    async def _graph(self, connection: AsyncConnection, fresh: Sequence[Incoming]) -> Graph:
        if not fresh:
            return graph((), (), {})
        claimed = {ticket for message in fresh for ticket in message.signed}
        claimed |= {ticket for message in fresh for ticket, _ in message.answered}
        return graph(await load.namings(connection, fresh), fresh, await load.survivors(connection, claimed))

    async def _confirmations(
        self, connection: AsyncConnection, joined: Sequence[Component], now: datetime
    ) -> Confirmations:
        asking = [message for component in joined if component.opens for message in component.fresh if message.opens]
        if not asking:
            return confirmations(self.confirming, BrakesKnown(), now)
        mailboxes = {mailbox_of(message.author.kind, message.author.address) for message in asking}
        mailboxes |= {mailbox_of(also.kind, also.address) for message in asking for also in message.author.also}
        sources = {source(message.origin) for message in asking if message.origin is not None}
        known = await brakes_store.read(connection, mailboxes, sources, now)
        return confirmations(self.confirming, known, now)

    async def _known(
        self,
        connection: AsyncConnection,
        joined: Sequence[Component],
        sorted_: Arrivals,
        on_file: dict[str, Filed],
        lost: set[str],
        seen: Graph,
    ) -> Known:
        touched = {id_ for component in joined for id_ in component.tickets}
        revised = {on_file[id_].ticket_id for id_ in sorted_.revised if id_ in on_file}
        bounces = [message for message in sorted_.fresh if message.failed is not None and not message.forged]
        # only who has had the mail knows its Message-ID, which names the ticket it was written in
        written_in = {
            ticket for message in bounces for ticket, named in message.answered if named.text == message.failed
        }
        touched |= {seen.survivors[ticket] for ticket in written_in if ticket in seen.survivors}
        tickets = await load.tickets(connection, touched | {id_ for id_ in revised if id_ is not None}, written_in)
        unsettled = {id_ for id_, ticket in tickets.items() if ticket.requester_message_id in lost}
        opening = [component for component in joined if component.opens]
        attached = [group for c in joined if c.tickets or c.opens for group in c.automatic]
        return Known(
            tickets=tickets,
            candidates=await load.candidates(connection, unsettled, lost),
            automatic=await load.automatic(connection, attached, self._decode),
            people=await people(connection, sorted_.fresh, self.rules),
            deliveries=await load.bounced(connection, written_in, {m.failed for m in bounces if m.failed}),
            filed=on_file,
            numbers=await load.numbers(connection, len(opening)),
        )
