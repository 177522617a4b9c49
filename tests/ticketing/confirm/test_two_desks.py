"""Two desks of ours as they run, on one Kafka: whatever is done to the headers on the way, two mails at most."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import pytest
import sqlalchemy as sa
from pydantic import SecretStr

from bus import topics
from bus.health import Health
from bus.model import BlobRef
from bus.publisher import KafkaPublisher
from bus.raw import RawMessage
from bus.record import Outgoing
from bus.reply import Reply
from bus.settings import DatabaseSettings, DeskSettings, Settings
from ingest.mail_message import Mail, compose
from normalize.mail import normalize_mail
from normalize.outcome import Understood
from tests.conftest import Stack
from tests.ticketing.confirm.test_loops import Way, letter, orphaned, said_something_else, stripped, untouched
from tests.ticketing.relay.desk import Desk, desk, until
from ticketing.service import work

pytestmark = pytest.mark.stack


@dataclass
class Peer:
    """A desk at work, and the mail it has exchanged."""

    of: Desk
    address: str
    received: int = 0
    sent: int = 0

    async def receive(self, data: bytes, envelope_from: str | None) -> list[Mail]:
        """What it sends because of this mail: everything that was decided with it has been published."""
        raw = RawMessage(
            channel="email",
            account="support",
            received_at=datetime.now(UTC),
            payload=BlobRef(blob="b", size=len(data)),
            envelope_from=envelope_from,
            own_addresses=[self.address],
        )
        [found] = normalize_mail(raw, data)
        assert isinstance(found, Understood)
        publisher = KafkaPublisher(self.of.kafka)
        await publisher.start()
        try:
            topic = self.of.prefix + topics.messages_topic("email")
            await publisher.publish([Outgoing(topic, found.message.author.address, found.message.to_json())])
        finally:
            await publisher.stop()
        self.received += 1
        await until(self._has_filed)
        decided = await self._count("outgoing")
        replies: list[Reply] = []

        async def are_published() -> bool:
            records = await self.of.read(topics.replies_topic("email"))
            replies[:] = sorted(
                (Reply.from_json(record.value or b"") for record in records), key=lambda r: r.created_at
            )
            return len(replies) == decided

        await until(are_published)
        fresh, self.sent = replies[self.sent :], decided
        return [compose(reply, self.address) for reply in fresh]

    async def _has_filed(self) -> bool:
        return await self._count("messages") == self.received

    async def _count(self, table: str) -> int:
        async with self.of.engine.connect() as connection:
            return int(await connection.scalar(sa.text(f"SELECT count(*) FROM desk.{table}")) or 0)  # a name


@contextlib.asynccontextmanager
async def peer(stack: Stack, address: str, folder: Path) -> AsyncIterator[Peer]:
    """A desk with keys, tables and topics of its own."""
    folder.mkdir()  # noqa: ASYNC240  # a moment, before anything runs
    domain = address.partition("@")[2]
    async with desk(stack) as of:
        settings = Settings(
            kafka=of.kafka,
            database=DatabaseSettings(url=SecretStr(of.url)),
            desk=DeskSettings(name=f"Desk {domain}", domain=domain),
            connectors={"support": {"type": "email-smtp", "addresses": [address]}},
            data=folder,
        )
        stop = asyncio.Event()
        task = asyncio.ensure_future(work(settings, prefix=of.prefix)(stop, Health(), lambda **_: None))
        try:
            yield Peer(of, address)
        finally:
            stop.set()
            await asyncio.wait_for(task, 60)


async def test_two_desks_exchange_two_mails_at_most(stack: Stack, tmp_path: Path) -> None:
    one_, other_ = (
        peer(stack, "support@one.example", tmp_path / "1"),
        peer(stack, "support@two.example", tmp_path / "2"),
    )
    async with one_ as one, other_ as other:
        ways: dict[str, Way] = {"untouched": untouched, "stripped": stripped, "orphaned": orphaned}
        for n, (name, way) in enumerate(ways.items()):
            # an agent of the one writes to the other, by a mail program, each time from another address
            agent = f"{name}@one.example"
            before = one.sent + other.sent
            first = letter(agent, other.address, f"An order {name}", f"Where is the order {name}?", n)
            todo = [(other, first, agent)]
            while todo:
                at, data, envelope = todo.pop(0)
                for mail in await at.receive(way(data), envelope if way is untouched else None):
                    to = one if mail.recipient.endswith("one.example") else other
                    # what goes to the agent comes back as the desk's mailbox forwards it
                    todo.append((to, mail.content, mail.envelope_from))
                assert one.sent + other.sent - before <= 2, name


async def test_a_desk_and_a_machine_with_fresh_words_each_time(stack: Stack, tmp_path: Path) -> None:
    robot: Callable[[Mail | None, int], bytes] = said_something_else
    async with peer(stack, "support@one.example", tmp_path / "1") as one:
        todo = [robot(None, 0)]
        for n in range(1, 20):
            todo += [robot(mail, n) for data in [todo.pop(0)] for mail in await one.receive(data, "robot@shop.example")]
            if not todo:
                break
        assert todo == []
        assert 1 <= one.sent <= 2
