"""Filing: a batch of messages becomes tickets, history and answers, in one transaction, exactly once."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Protocol
from uuid import UUID, uuid4

import sqlalchemy as sa
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from bus.failpoints import failpoint
from bus.progress import Moving, database_error
from bus.record import Received
from bus.together import Statement
from ticketing import brakes_store, load, load_graph
from ticketing.accounts import AccountRules
from ticketing.alarm import Alarm
from ticketing.arrivals import Arrivals, Filed, arrivals, matters
from ticketing.brakes import Brakes, BrakesKnown, source
from ticketing.catching_up import catch_up
from ticketing.components import Component, components
from ticketing.confirm import Confirming
from ticketing.confirmations import Confirmations, confirmations
from ticketing.cuts import separate
from ticketing.decide import Deciding
from ticketing.decision import Known
from ticketing.decode import decode
from ticketing.delivery import Delivery
from ticketing.ends import LaterEnd, later_ends
from ticketing.graph import Claims, Graph, graph
from ticketing.identities import mailbox_of
from ticketing.incoming import Ignorable, Incoming
from ticketing.load_people import people
from ticketing.policy import Policy
from ticketing.ratings.keeping import answered, keep_all
from ticketing.reopening import overdue, take_up, united
from ticketing.service_levels import NOTHING_PROMISED, ServiceLevels
from ticketing.store import store
from ticketing.suggestions import possible_replies
from ticketing.tables import DESK_LOCK
from ticketing.tickets import Ticket

_LOCK = sa.text("SELECT pg_advisory_xact_lock(:lock)")


class Moves(Protocol):
    """Progress that is moved in the transaction of the work (bus.progress.FencedProgress)."""

    def moving(self, batch: Sequence[Received]) -> Moving: ...


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
    policy: Policy = field(default_factory=Policy)
    rules: AccountRules = field(default_factory=AccountRules)
    alarm: Alarm = field(default_factory=Alarm)
    mint: Callable[[], str] = _new_id
    clock: Callable[[], datetime] = _now
    levels: ServiceLevels = NOTHING_PROMISED

    async def __call__(self, batch: Sequence[Received], /) -> None:
        """File a batch, wholly or not at all. Raises Invalid, Retryable, Fenced."""
        decoded = [self._decode(record) for record in batch]
        try:
            async with self.engine.connect() as connection, connection.begin():
                brakes = await self._file(connection, decoded, await self._begin(connection, batch, decoded))
                failpoint("file.before_commit")
        except DBAPIError as error:
            raise database_error(error) from error
        self.alarm.heed(brakes)
        failpoint("file.after_commit")

    def _decode(self, record: Received) -> Incoming | Ignorable:
        return decode(record, self.confirming.tokens, self.policy)

    def _again(self, document: str, like: Incoming) -> Incoming:
        return load.again(document, like.received_at, like.traceparent, self._decode)

    async def _begin(
        self, connection: AsyncConnection, batch: Sequence[Received], decoded: Sequence[Incoming | Ignorable]
    ) -> load.OnFile:
        """Take the desk's lock, move progress, and see what of the batch is on file.

        Progress moves early, so that who has been replaced learns it before it works; its rows stay locked to the end,
        so that nobody takes over in between.
        """
        moving = self.progress.moving(batch)
        messages = [each for each in decoded if isinstance(each, Incoming)]
        before: list[Statement] = [(_LOCK, {"lock": DESK_LOCK}), (moving.statement, moving.values)]
        (_, moved), found = await load.on_file(connection, messages, before=before)
        moving.must_be_ours(len(moved))
        return found

    async def _file(
        self, connection: AsyncConnection, decoded: Sequence[Incoming | Ignorable], found: load.OnFile
    ) -> Brakes:
        now = self.clock()
        messages = [each for each in decoded if isinstance(each, Incoming)]
        on_file, copies = found.filed, found.copies
        mattering = {m.id for m in messages if (filed := on_file.get(m.id)) is not None and matters(m, filed)}
        states = await load.states(connection, mattering, self._decode)
        sorted_ = arrivals(decoded, on_file, copies, states, self._again)
        seen = await self._graph(connection, sorted_.fresh, {copy.own for copy in copies}, now)
        joined: Sequence[Component] = await self._separated(connection, components(seen, sorted_.fresh), seen)
        ends = later_ends(seen, sorted_.fresh)
        revised = [filed.ticket_id for id_ in sorted_.revised if (filed := on_file.get(id_)) and filed.ticket_id]
        touched = {id_ for component in joined for id_ in component.tickets}
        touched |= {end.group.removeprefix("ticket:") for end in ends.values() if end.group.startswith("ticket:")}
        bounces = [message for message in sorted_.fresh if message.failed is not None and not message.forged]
        # only who has had the mail knows its Message-ID, which names the ticket it was written in
        written_in = {
            ticket for message in bounces for ticket, named in message.answered if named.text == message.failed
        }
        standings = seen.claims.standings
        touched |= {standings[ticket].root for ticket in written_in if ticket in standings}
        tickets = await load.tickets(connection, touched.union(revised), written_in)
        mails = {message.failed for message in bounces if message.failed}
        deliveries = await load.bounced(connection, written_in, mails)
        joined = await self._taken_up(connection, joined, tickets, seen)
        owed = await catch_up(connection, tickets.values(), now)
        known = await self._known(connection, joined, sorted_, on_file, ends, tickets, seen, deliveries)
        confirm = await self._confirmations(connection, joined, now)
        decision = Deciding(known, seen, confirm, self.mint, now)(joined, sorted_, list(ends.values()))
        decision.brakes, decision.owed = confirm.brakes, owed
        await keep_all(connection, decision.rated)
        await store(connection, decision, sorted_, now, self.levels)
        return confirm.brakes

    async def _graph(
        self, connection: AsyncConnection, fresh: Sequence[Incoming], twice: set[UUID], now: datetime
    ) -> Graph:
        if not fresh:
            return graph((), (), Claims(), self.policy)
        namings, claims = await load_graph.seen(connection, fresh, twice, self.policy, now)
        return graph(namings, fresh, claims, self.policy)

    async def _separated(
        self, connection: AsyncConnection, joined: Sequence[Component], seen: Graph
    ) -> list[Component]:
        together = {id_ for component in joined if len(component.tickets) > 1 for id_ in component.tickets}
        cuts = await load_graph.cuts(connection, together)
        return [piece for component in joined for piece in separate(component, seen, cuts)] if cuts else list(joined)

    async def _taken_up(
        self, connection: AsyncConnection, joined: Sequence[Component], tickets: dict[str, Ticket], seen: Graph
    ) -> Sequence[Component]:
        """Components of closed tickets whose reopen window is over, as what becomes of them; loads what they need."""
        late = [component for component in joined if overdue(component, tickets, self.policy)]
        if not late:
            return joined
        followers = await load_graph.followers(connection, {id_ for component in late for id_ in component.tickets})
        more = {id_ for found in followers.values() for id_ in found} - tickets.keys()
        tickets.update(await load.tickets(connection, more))
        pieces = [
            take_up(component, tickets, followers, seen) if component in late else [component] for component in joined
        ]
        return united([piece for found in pieces for piece in found])

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
        ends: Mapping[str, LaterEnd],
        tickets: dict[str, Ticket],
        seen: Graph,
        deliveries: Mapping[str, Delivery],
    ) -> Known:
        unsettled = {id_ for id_, ticket in tickets.items() if ticket.requester_message_id in ends}
        opening = [component for component in joined if component.opens]
        looked_like = {id_ for c in opening for message in c.fresh for id_ in possible_replies(message, seen)}
        attached = [group for c in joined if c.tickets or c.opens for group in c.automatic]
        return Known(
            tickets=tickets,
            candidates=await load.candidates(connection, unsettled, ends.keys()),
            automatic=await load.automatic(connection, attached, self._decode),
            people=await people(connection, _authors(sorted_), self.rules),
            deliveries=deliveries,
            filed=on_file,
            numbers=await load.numbers(connection, len(opening)),
            elders=await load_graph.elders(connection, {id_ for component in opening for id_ in component.follows}),
            numbers_of=await load_graph.numbers_of(connection, looked_like),
            answered=await answered(connection, tickets.keys() if any(m.rating for m in sorted_.fresh) else ()),
        )


def _authors(arrived: Arrivals) -> list[Incoming]:
    """Messages whose authors are looked up."""
    feedback = [message for message in arrived.aside if message.aside == "feedback"]
    return [*arrived.fresh, *feedback, *(arrived.later[id_] for id_ in arrived.named)]
