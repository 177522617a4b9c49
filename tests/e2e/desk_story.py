"""What a story needs: a desk that is up, agents who act, a customer with an inbox, and connectors that are not ours."""

import asyncio
import contextlib
import email
import imaplib
import re
import smtplib
import time
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime
from email.message import EmailMessage
from email.policy import default
from pathlib import Path
from typing import Any, TypeVar, cast

import httpx
import sqlalchemy as sa
from aiosmtpd.smtp import SMTP, Envelope
from sqlalchemy.ext.asyncio import AsyncEngine
from starlette.applications import Starlette
from starlette.routing import Mount

from bus.kafka_settings import KafkaSettings
from bus.latest import read_to_end
from bus.message import Author, Call, NormalizedMessage, Ref
from bus.publisher import KafkaPublisher
from bus.record import Outgoing
from bus.reply import Receipt, Reply
from bus.settings import load_settings
from bus.ticket_event import TicketEvent
from bus.topics import RECEIPTS, TICKET_EVENTS, messages_topic, replies_topic
from tests.conftest import Mailbox
from tests.e2e.running import Up
from tests.ticketing.by_hand import people
from ticketing.acts.desk import desk_of
from ticketing.acts.perform import perform
from ticketing.acts.performed import Performed
from ticketing.acts.table import ACTS
from ticketing.database import engine as engine_of
from ticketing.people.policy import Role, Who
from ticketing.ratings.routes import router

PATIENCE = 90.0
T = TypeVar("T")

CONFIG = """
[desk]
name = "Acme Support"
domain = "desk.example"
[desk.reply_via]
phone = "support-mail"
chat = "support-mail"
[ratings]
url = "https://desk.example"
[connectors.support-mail]
type = "email-smtp"
addresses = ["support@desk.example"]
host = "127.0.0.1"
port = 2525
[connectors.support-mail.smtp.default]
host = "127.0.0.1"
port = {port}
security = "none"
"""


def configure(data: Path, port: int) -> None:
    """A desk whose mail leaves by the server on this port."""
    data.mkdir(parents=True)
    (data / "deskstream.toml").write_text(CONFIG.format(port=port))


class _Forwarding:
    """Hands mail on to GreenMail, which takes the null return path of automatic mail for no sender at all."""

    def __init__(self, greenmail: Mailbox) -> None:
        self._greenmail = greenmail

    async def handle_DATA(self, _: object, __: object, envelope: Envelope) -> str:  # noqa: N802  # aiosmtpd's name
        await asyncio.to_thread(self._deliver, envelope)
        return "250 OK"

    def _deliver(self, envelope: Envelope) -> None:
        assert isinstance(envelope.content, bytes)
        with smtplib.SMTP(self._greenmail.host, self._greenmail.smtp) as client:
            sender = envelope.mail_from if envelope.mail_from not in (None, "", "<>") else "automatic@mx.example"
            client.sendmail(str(sender), envelope.rcpt_tos, envelope.content)


@contextlib.asynccontextmanager
async def way_out(greenmail: Mailbox) -> AsyncIterator[int]:
    """The port of a server that takes mail to where it is read."""
    handler = _Forwarding(greenmail)
    server = await asyncio.get_running_loop().create_server(lambda: SMTP(handler), "127.0.0.1", 0)
    async with server:
        yield int(server.sockets[0].getsockname()[1])


async def until(find: Callable[[], T], *, what: str) -> T:
    """What is looked for, as soon as it is there."""
    deadline = time.monotonic() + PATIENCE
    while not (found := await asyncio.to_thread(find)):
        assert time.monotonic() < deadline, what
        await asyncio.sleep(0.1)
    return found


class Story:
    """The desk of a story."""

    def __init__(self, up: Up, greenmail: Mailbox) -> None:
        self.up = up
        self._greenmail = greenmail
        self._settings = load_settings(data=up.data, database=str(up.endpoints()["database"]))
        self._kafka = KafkaSettings(servers=str(up.endpoints()["kafka"]))
        self._desk = desk_of(self._settings)
        self.engine: AsyncEngine = engine_of(str(up.endpoints()["database"]))
        self._keys = 0

    async def begins(self, *agents: str) -> None:
        """These agents work there, and the department of everybody wants to know how it was."""
        await people(self.engine, *agents)
        made = sa.text("INSERT INTO desk.departments (id, name, rating, created_at) VALUES ('', 'All', :rating, now())")
        async with self.engine.begin() as connection:
            await connection.execute(made, {"rating": "each_reply"})

    async def act(
        self, agent: str, name: str, ticket: int, version: int | None = None, /, **given: object
    ) -> Performed:
        """An agent does something."""
        self._keys += 1
        kind = next(each for each in ACTS if each.name == name)
        who = Who(agent, agent.title(), frozenset({Role.AGENT}))
        wanted = kind.input.model_validate(given)
        key = f"story-{self._keys}"
        return await perform(self.engine, kind, ticket, wanted, who, desk=self._desk, key=key, version=version)

    def tickets(self) -> dict[int, dict[str, Any]]:
        """All tickets, by number."""
        return {ticket["number"]: ticket for ticket in self.up.json("tickets", "list")}

    async def ticket(self, number: int, **like: object) -> dict[str, Any]:
        """A ticket, when it is like this."""

        def find() -> dict[str, Any] | None:
            found = self.tickets().get(number)
            return found if found and all(found[name] == value for name, value in like.items()) else None

        return cast("dict[str, Any]", await until(find, what=f"ticket {number} like {like}"))

    async def history(self, number: int) -> list[str]:
        """What happened to a ticket and to those merged into it, as it is shown: number, type, who."""
        [shown] = await asyncio.to_thread(self.up.json, "tickets", "show", str(number))
        return [
            f"{event['number']} {event['type'].removeprefix('ticket.')} {event['actor']['kind']}"
            for event in shown["history"]
        ]

    async def published(self) -> list[TicketEvent]:
        """Everything on `tickets.events`."""
        return [TicketEvent.from_json(each.value or b"") async for each in read_to_end(self._kafka, [TICKET_EVENTS])]

    async def writes(self, text: str, *, sender: str, to: str, message_id: str, answers: str | None = None) -> None:
        """The customer writes a mail. `answers`: the Message-ID of another."""
        path = self.up.data / f"{message_id}.eml"
        head = f"From: Anna <{sender}>\nTo: {to}\nSubject: The pump is loud\n"
        head += f"In-Reply-To: {answers}\n" if answers else ""
        path.write_text(f"{head}Message-ID: <{message_id}@customer.example>\n\n{text}\n")
        [*_, sent] = await asyncio.to_thread(self.up.json, "send", str(path), "--to", to)
        assert sent["accepted"] == 1

    async def inbox(self, address: str, count: int) -> list[EmailMessage]:
        """The mails in somebody's inbox, as soon as there are so many, in the order they came."""
        found = await until(lambda: self.fetched(address, count), what=f"{count} mails for {address}")
        assert len(found) == count
        return found

    def fetched(self, address: str, count: int = 1) -> list[EmailMessage]:
        """The mails that are there now; none when there are fewer than `count`."""
        with imaplib.IMAP4(self._greenmail.host, self._greenmail.imap) as client:
            client.login(address, "any")
            client.select("INBOX")
            _, (numbers,) = client.search(None, "ALL")
            if len(numbers.split()) < count:
                return []
            raw: list[bytes] = [client.fetch(n.decode(), "(RFC822)")[1][0][1] for n in numbers.split()]  # type: ignore[index,misc]
            return [email.message_from_bytes(each, policy=default) for each in raw]

    async def brings(self, message: NormalizedMessage) -> None:
        """A connector brings a message."""
        await self._publish(Outgoing(messages_topic(message.channel), message.author.address, message.to_json()))

    async def takes(self, channel: str) -> Reply:
        """A connector takes the one agent's reply on its channel, and hands it over."""

        async def find() -> list[Reply]:
            topic = replies_topic(channel)
            found = [Reply.from_json(each.value or b"") async for each in read_to_end(self._kafka, [topic])]
            return [reply for reply in found if reply.purpose == "reply"]

        [reply] = await until(lambda: asyncio.run(find()), what=f"a reply on {channel}")
        await self._receipt(reply)
        return reply

    async def delivers_all(self, channel: str) -> None:
        """A connector hands over whatever else stands on its channel."""
        async for each in read_to_end(self._kafka, [replies_topic(channel)]):
            reply = Reply.from_json(each.value or b"")
            if reply.purpose != "reply":
                await self._receipt(reply)

    async def _receipt(self, reply: Reply) -> None:
        receipt = Receipt(
            reply_id=reply.reply_id,
            ticket_id=reply.ticket_id,
            account=reply.account,
            connector=reply.account,
            state="sent",
            attempt=reply.attempt,
            at=datetime.now(UTC),
        )
        await self._publish(Outgoing(RECEIPTS, reply.reply_id, receipt.to_json()))

    async def rates(self, mail: EmailMessage, rating: str, words: str) -> None:
        """The customer follows the link in a mail, looks, and sends the form."""
        body = mail.get_body(("plain",))
        assert body is not None
        [path] = re.findall(r"https://desk\.example(/r/\S+)", body.get_content())
        transport = httpx.ASGITransport(Starlette(routes=[Mount("/r", router(self.engine, self._desk))]))
        async with httpx.AsyncClient(transport=transport, base_url="https://desk.example") as browser:
            assert (await browser.get(path)).status_code == 200
            assert (await browser.post(path, data={"rating": rating, "words": words})).status_code == 200

    async def figures(self, key: str, **like: int) -> dict[str, Any]:
        """The figures of somebody, as soon as they are like this."""

        def find() -> dict[str, Any] | None:
            shown = self.up.json("metrics", "show", key)
            figures = shown[0]["figures"] if shown else {}
            now = {name.replace(".", "_"): each["value"] for name, each in figures.items()}
            return figures if all(now.get(name, 0) == value for name, value in like.items()) else None

        return cast("dict[str, Any]", await until(find, what=f"{key} like {like}"))

    async def _publish(self, record: Outgoing) -> None:
        publisher = KafkaPublisher(self._kafka)
        await publisher.start()
        try:
            await publisher.publish([record])
        finally:
            await publisher.stop()


def missed_call(number: str) -> NormalizedMessage:
    """As the phone connector brings it."""
    now = datetime.now(UTC)
    return NormalizedMessage(
        message_id="call-1",
        normalizer="test",
        channel="phone",
        account="pbx",
        source_id="call-1",
        author=Author(kind="phone", address=number, verified=True),
        text=f"Missed call from {number}",
        reply_text=f"Missed call from {number}",
        sent_at=now,
        received_at=now,
        call=Call(direction="in", state="ended", caller=number, missed=True),
    )


def chat_line(visitor: str, text: str) -> NormalizedMessage:
    """As the chat connector brings it."""
    now = datetime.now(UTC)
    return NormalizedMessage(
        message_id="chat-1",
        normalizer="test",
        channel="chat",
        account="shop-chat",
        source_id="chat-1",
        author=Author(kind="chat", address=visitor, name="Anna", verified=True),
        text=text,
        reply_text=text,
        sent_at=now,
        received_at=now,
        refs=[Ref(kind="provider_thread", value="window-9")],
    )
