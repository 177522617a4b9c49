"""A small desk for tests of the telling half: a database, topics of its own, and things to tell."""

import asyncio
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from bus import topics
from bus.contact_event import ContactEvent
from bus.kafka_settings import KafkaSettings
from bus.latest import read_to_end
from bus.leadership import lead
from bus.record import Received
from bus.reply import Recipient, Reply
from bus.ticket_event import Actor, TicketEvent, event_id
from tests.conftest import Stack
from ticketing import tables
from ticketing.database import engine
from ticketing.migrate import upgrade
from ticketing.outbox import Told, append
from ticketing.relay import Relay
from ticketing.relay_records import RelayTopics


@dataclass(frozen=True)
class Desk:
    """A database of its own, and topics with a prefix of their own on the shared Kafka."""

    url: str
    kafka: KafkaSettings
    engine: AsyncEngine
    prefix: str

    @property
    def topics(self) -> RelayTopics:
        """Where its relay publishes."""
        return RelayTopics(self.prefix)

    def relay(self, *, limit: int = 2_000) -> Relay:
        """Another process's relay."""
        return Relay(self.kafka, self.url, topics=self.topics, transactional_id=f"{self.prefix}relay", limit=limit)

    async def read(self, topic: str) -> list[Received]:
        """What stands on a topic of this desk, each partition in order."""
        return [record async for record in read_to_end(self.kafka, [self.prefix + topic])]

    async def documents(self, table: sa.Table, order: str = "id") -> list[str]:
        """A table's documents in their order."""
        async with self.engine.connect() as connection:
            return list((await connection.scalars(sa.select(table.c.document).order_by(table.c[order]))).all())

    async def settle(self, relay: Relay, *, within: float = 30.0) -> None:
        """Wait until the relay has published all there is."""
        async with asyncio.timeout(within):
            while True:
                async with self.engine.connect() as connection:
                    last = await connection.scalar(
                        sa.text(
                            "SELECT greatest((SELECT max(id) FROM desk.ticket_events), "
                            "(SELECT max(id) FROM desk.contact_events), (SELECT max(id) FROM desk.outgoing))"
                        )
                    )
                if relay.published == (last or 0):
                    return
                await asyncio.sleep(0.02)


@asynccontextmanager
async def desk(stack: Stack) -> AsyncIterator[Desk]:
    """A migrated database and the topics of the telling half."""
    url = stack.new_database()
    await asyncio.to_thread(upgrade, url)
    kafka = KafkaSettings(servers=stack.kafka)
    prefix = f"t{uuid.uuid4().hex[:10]}."
    wanted = [replace(topic, name=prefix + topic.name) for topic in topics.topics(["email"])]
    await topics.create_topics(kafka, wanted)
    pool = engine(url, pool=12)
    try:
        yield Desk(url, kafka, pool, prefix)
    finally:
        await pool.dispose()


@asynccontextmanager
async def relaying(of: Desk, relay: Relay | None = None) -> AsyncIterator[Relay]:
    """A relay at work; an error of its ends the test."""
    relay = relay or of.relay()
    stop = asyncio.Event()
    task = asyncio.create_task(lead(of.url, tables.RELAY_LOCK, lambda _: [relay.run()], stop=stop))
    try:
        yield relay
    finally:
        stop.set()
        await task


async def open_ticket(connection: AsyncConnection, *, subject: str = "It does not work") -> str:
    """Insert a ticket row at version 0; `happen` brings it its first event."""
    ticket_id, now = uuid.uuid4().hex, datetime.now(UTC)
    contact_id = uuid.uuid4().hex
    await connection.execute(
        sa.insert(tables.contacts).values(id=contact_id, name="Ada Lovelace", version=0, created_at=now)
    )
    await connection.execute(
        sa.insert(tables.tickets).values(
            id=ticket_id,
            number=tables.ticket_number.next_value(),
            root_id=ticket_id,
            subject=subject,
            status="open",
            priority="normal",
            contact_id=contact_id,
            channel="email",
            account="support",
            messages=1,
            attachments=0,
            replies=0,
            opened_at=now,
            last_message_at=now,
            updated_at=now,
            version=0,
        )
    )
    return ticket_id


async def happen(connection: AsyncConnection, ticket_id: str, *, times: int = 1) -> list[TicketEvent]:
    """Let something happen to a ticket, as writers of events must: lock, read, decide, append last."""
    row = (
        await connection.execute(
            sa.select(tables.tickets.c.version, tables.tickets.c.number, tables.tickets.c.contact_id)
            .where(tables.tickets.c.id == ticket_id)
            .with_for_update()
        )
    ).one()
    now = datetime.now(UTC)
    events = [
        TicketEvent(
            event_id=event_id(ticket_id, "test", row.version + n),
            ticket_id=ticket_id,
            number=row.number,
            version=row.version + n,
            type="ticket.opened" if row.version + n == 1 else "ticket.updated",
            occurred_at=now,
            recorded_at=now,
            actor=Actor(kind="system"),
            contact_id=row.contact_id,
        )
        for n in range(1, times + 1)
    ]
    await connection.execute(
        sa.update(tables.tickets)
        .where(tables.tickets.c.id == ticket_id)
        .values(version=row.version + times, updated_at=now)
    )
    return events


def contact_event(contact_id: str, version: int) -> ContactEvent:
    """Something that happened to a contact."""
    now = datetime.now(UTC)
    return ContactEvent(
        event_id=event_id(contact_id, "test", version),
        contact_id=contact_id,
        version=version,
        type="contact.created" if version == 1 else "contact.updated",
        occurred_at=now,
        recorded_at=now,
        actor=Actor(kind="system"),
    )


def reply(ticket_id: str, *, purpose: str = "confirmation", attempt: int = 1) -> Reply:
    """An answer to a customer."""
    return Reply.model_validate(
        {
            "reply_id": uuid.uuid4().hex,
            "ticket_id": ticket_id,
            "number": 1,
            "channel": "email",
            "account": "support",
            "purpose": purpose,
            "attempt": attempt,
            "created_at": datetime.now(UTC),
            "recipient": Recipient(kind="email", address="ada@customer.example"),
            "text": "Bonjour, ça marche",
        }
    )


async def until(holds: Callable[[], Awaitable[bool]], *, within: float = 60.0) -> None:
    """Wait until something holds."""
    async with asyncio.timeout(within):
        while not await holds():
            await asyncio.sleep(0.05)


async def tell(of: Desk, tickets: int = 1, events: int = 2) -> list[str]:
    """Tickets with some events each, a contact event and a reply for every one, in one transaction."""
    async with of.engine.begin() as connection:
        ids = [await open_ticket(connection) for _ in range(tickets)]
        happened = [event for ticket_id in ids for event in await happen(connection, ticket_id, times=events)]
        await append(
            connection,
            ticket_events=[Told(event, "00-" + "1" * 32 + "-" + "2" * 16 + "-01") for event in happened],
            contact_events=[Told(contact_event(event.contact_id or "", 1)) for event in happened if event.version == 1],
            replies=[Told(reply(ticket_id)) for ticket_id in ids],
        )
    return ids
