"""Chats, all of it as it runs: a window in two processes, Telegram and SMS; confirmed, answered, and answered again."""

import asyncio
import contextlib
import email
import json
import os
import signal
import subprocess
import time
import urllib.request
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from email.message import EmailMessage
from email.policy import default
from typing import Any

import pytest
import websockets
from websockets.exceptions import ConnectionClosed, InvalidHandshake
from websockets.typing import Origin

from deploy.starter_config import STARTER
from tests.e2e.running import BIN, HASTY, Up, running
from tests.folders import own_folder
from tests.providers import messengers

pytestmark = pytest.mark.stack

SITE = "https://www.shop.example"
PATIENCE = 240.0


def _config(telegram: str, twilio: str) -> str:
    return f"""{STARTER}
[connectors.shop-chat]
type = "chat"
allowed_origins = ["{SITE}"]
mail_after = 3

[connectors.shop-telegram]
type = "chat"
provider = "telegram"
webhook_secret = "{messengers.WEBHOOK}"
token = "{messengers.BOT}"
api_url = "{telegram}"

[connectors.shop-sms]
type = "chat"
provider = "sms"
token = "{messengers.AUTH}"
account_sid = "{messengers.SID}"
numbers = ["{messengers.OURS}"]
api_url = "{twilio}"
"""


class Chats:
    """An `up` with three chats."""

    def __init__(self, up: Up, telegram: messengers.Telegram, twilio: messengers.Twilio) -> None:
        self.up = up
        self.telegram = telegram
        self.twilio = twilio

    def rows(self, query: str, *values: object) -> list[tuple[Any, ...]]:
        with self.up.database() as database:
            return database.execute(query, values).fetchall()

    def numbers(self, *texts: str) -> list[int]:
        """The tickets that hold these texts, each once."""
        query = (
            "SELECT DISTINCT r.number FROM desk.messages m JOIN desk.tickets t ON t.id = m.ticket_id "
            "JOIN desk.tickets r ON r.id = t.root_id WHERE m.document::json ->> 'text' = ANY(%s)"
        )
        return [number for (number,) in self.rows(query, list(texts))]

    def ticket_of(self, text: str) -> int:
        until(lambda: bool(self.numbers(text)))
        (number,) = self.numbers(text)
        return number

    def states(self, number: int, purpose: str) -> list[tuple[str, str]]:
        """Channel and state of the ticket's replies."""
        query = (
            "SELECT s.channel, s.state FROM desk.replies s JOIN desk.tickets t ON t.id = s.ticket_id "
            "WHERE t.number = %s AND s.purpose = %s ORDER BY s.created_at"
        )
        return self.rows(query, number, purpose)

    def reply(self, number: int, text: str) -> None:
        self.up.command("tickets", "reply", str(number), text)

    def deliver(self, name: str, headers: Mapping[str, str], body: bytes) -> None:
        request = urllib.request.Request(f"{self.up.endpoints()['intake']}/in/{name}/webhook", body, dict(headers))
        with urllib.request.urlopen(request, timeout=60) as answer:
            assert answer.status == 200

    def mails(self, address: str) -> list[EmailMessage]:
        paths = sorted((self.up.data / "outbox").glob("*.eml"), key=lambda path: path.stat().st_mtime)
        found = [email.message_from_bytes(path.read_bytes(), policy=default) for path in paths]
        return [mail for mail in found if mail["To"].addresses[0].addr_spec == address]


def until(holds: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.1)


class Window:
    """What chat.js does, without a page."""

    def __init__(self, base: Callable[[], str]) -> None:
        self._base = base
        self._socket: websockets.ClientConnection | None = None
        self.token: str | None = None
        self.shown: dict[str, str] = {}

    @contextlib.asynccontextmanager
    async def open(self) -> AsyncIterator["Window"]:
        await self.come()
        try:
            yield self
        finally:
            assert self._socket
            await self._socket.close()

    async def come(self) -> None:
        """Here (again), as soon as somebody answers."""
        deadline = time.monotonic() + PATIENCE
        while True:
            try:
                url = self._base().replace("http", "ws", 1) + "/in/shop-chat/socket"
                self._socket = await websockets.connect(url, origin=Origin(SITE))
                first: dict[str, object] = {"type": "hello"}
                if self.token:
                    first = {"type": "resume", "token": self.token, "have": list(self.shown)}
                await self._socket.send(json.dumps(first))
                self.token = (await self.hears("welcome"))["token"]
            except (OSError, ConnectionClosed, InvalidHandshake, KeyError, TypeError):
                assert time.monotonic() < deadline
                await asyncio.sleep(0.1)
            else:
                return

    async def hears(self, kind: str, **like: object) -> dict[str, Any]:
        """The next of this type; what the desk says meanwhile is shown, and that said."""
        assert self._socket
        async with asyncio.timeout(PATIENCE):
            while True:
                frame: dict[str, Any] = json.loads(await self._socket.recv())
                if frame["type"] == "reply":
                    assert frame["id"] not in self.shown, "shown twice"
                    self.shown[frame["id"]] = frame["text"]
                    await self._socket.send(json.dumps({"type": "got", "ids": [frame["id"]]}))
                if frame["type"] == kind and all(frame[name] == value for name, value in like.items()):
                    return frame

    async def says(self, id_: str, text: str, **more: object) -> None:
        """Until it is acknowledged, whatever happens to the line."""
        frame = {"type": "message", "id": id_, "text": text, **more}
        while True:
            assert self._socket
            try:
                await self._socket.send(json.dumps(frame))
                await self.hears("ack", id=id_)
            except ConnectionClosed:
                await self.come()
            else:
                return


@pytest.fixture(scope="module")
def chats() -> Iterator[Chats]:
    with (
        own_folder("chats") as folder,
        messengers.telegram() as telegram,
        messengers.messages() as twilio,
    ):
        data = folder / "data"
        data.mkdir()
        (data / "deskstream.toml").write_text(_config(telegram.url, twilio.url))
        environment = HASTY | {"DESKSTREAM_INTAKE__PUBLIC_URL": "https://desk.example"}
        with running(data, environment=environment) as up:
            yield Chats(up, telegram, twilio)


@contextlib.contextmanager
def _second_process(up: Up) -> Iterator[str]:
    """Another process of the window, as another machine would run; its address."""
    told = up.data / "second.json"
    with (up.data / "second.log").open("ab") as out:
        process = subprocess.Popen(
            [BIN, "connector", "shop-chat", "--data", up.data, "--intake-port", "0"],
            stdout=out,
            stderr=out,
            env=os.environ | HASTY | {"DESKSTREAM_RUN_FILE": str(told)},
        )
    try:
        until(lambda: told.exists() and "intake" in json.loads(told.read_text()))
        yield json.loads(told.read_text())["intake"]
    finally:
        process.terminate()
        process.wait(60)


async def test_a_visitor_is_confirmed_answered_live_and_answers_in_the_same_ticket(chats: Chats) -> None:
    window = Window(lambda: str(chats.up.endpoints()["intake"]))
    async with window.open():
        await window.says("message-1", "My lamp flickers every evening.", language="en", name="Ana")
        confirmation = await window.hears("reply", purpose="confirmation")
        number = await asyncio.to_thread(chats.ticket_of, "My lamp flickers every evening.")
        assert str(number) in confirmation["text"]
        assert confirmation["number"] == number
        await asyncio.to_thread(chats.reply, number, "Which lamp is it?")
        answer = await window.hears("reply", purpose="reply")
        assert answer["text"] == "Which lamp is it?"
        await window.hears("noted")
        # the connector dies while she answers, and what she has not seen acknowledged she sends again
        os.kill(chats.up.pid("connector"), signal.SIGKILL)
        await window.says("message-2", "The blue one.")
        await window.says("message-3", "It is two years old.")
        # and a page that was closed in the middle sends all of it once more, in any order
        for again, text in (("message-3", "It is two years old."), ("message-2", "The blue one.")):
            await window.says(again, text)
        await window.says("message-1", "My lamp flickers every evening.", language="en", name="Ana")
        texts = ["My lamp flickers every evening.", "The blue one.", "It is two years old."]
        await asyncio.to_thread(until, lambda: chats.states(number, "reply") == [("chat", "sent")])
        assert chats.states(number, "confirmation") == [("chat", "sent")]
        await asyncio.to_thread(chats.up.command, "replay", "--channel", "chat")
        await asyncio.to_thread(chats.up.verify, wait=120)
        (shown,) = chats.up.json("tickets", "show", str(number))
        assert [message["text"] for message in shown["messages"]] == texts
        assert list(window.shown.values()) == [confirmation["text"], "Which lamp is it?"]


async def test_who_is_gone_gets_the_answer_by_mail_and_whoever_returns_sees_it(chats: Chats) -> None:
    window = Window(lambda: str(chats.up.endpoints()["intake"]))
    async with window.open():
        await window.says("message-1", "Do you sell shades?", email="gone@chat.example")
        await window.hears("reply", purpose="confirmation")
        await window.hears("noted")
    number = await asyncio.to_thread(chats.ticket_of, "Do you sell shades?")
    await asyncio.to_thread(chats.reply, number, "Yes, in five colours.")
    await asyncio.to_thread(until, lambda: bool(chats.mails("gone@chat.example")))
    (mail,) = chats.mails("gone@chat.example")
    body = mail.get_body(("plain",))
    assert body is not None
    assert body.get_content().startswith("Yes, in five colours.")
    assert f"[#{number}]" in mail["Subject"]
    to = mail["Reply-To"].addresses[0].addr_spec
    answer = chats.up.data / "answer.eml"
    answer.write_text(
        f"From: gone@chat.example\nTo: {to}\nSubject: {mail['Subject']}\nMessage-ID: <a@chat.example>\n\n"
        "Green, please.\n"
    )
    await asyncio.to_thread(chats.up.json, "send", str(answer), "--to", to)
    assert await asyncio.to_thread(chats.ticket_of, "Green, please.\n") == number
    assert chats.states(number, "reply") == [("email", "sent")]
    async with window.open():
        assert (await window.hears("reply"))["text"] == "Yes, in five colours."
    await asyncio.to_thread(chats.up.verify, wait=120)


async def test_a_window_in_another_process_is_reached_too(chats: Chats) -> None:
    with _second_process(chats.up) as base:
        window, near = Window(lambda: base), Window(lambda: str(chats.up.endpoints()["intake"]))
        async with window.open():
            await window.says("message-1", "Is anybody in the second house?", email="second@chat.example")
            await window.hears("reply", purpose="confirmation")
            number = await asyncio.to_thread(chats.ticket_of, "Is anybody in the second house?")
            await asyncio.to_thread(chats.reply, number, "In both of them.")
            assert (await window.hears("reply", purpose="reply"))["text"] == "In both of them."
            await window.hears("noted")
        near.token, near.shown = window.token, dict(window.shown)
        async with near.open():  # the next time he comes by the other
            await near.says("message-2", "Good.")
    assert await asyncio.to_thread(chats.ticket_of, "Good.") == number
    await asyncio.to_thread(until, lambda: chats.states(number, "reply") == [("chat", "sent")])
    await asyncio.to_thread(chats.up.verify, wait=120)
    assert not chats.mails("second@chat.example")


def test_telegram_and_sms_are_confirmed_answered_and_answer_in_the_same_ticket(chats: Chats) -> None:
    bot, account = chats.telegram, chats.twilio
    first = bot.write("Is the shop open on Sunday?")
    for _ in range(2):
        chats.deliver("shop-telegram", *first)
    sunday = chats.ticket_of("Is the shop open on Sunday?")
    until(lambda: len(bot.sent) == 1)
    assert str(sunday) in bot.sent[0]["text"]
    chats.reply(sunday, "From ten to four.")
    until(lambda: len(bot.sent) == 2)
    thanks = bot.write("Thanks!")
    for delivery in (thanks, first, thanks):
        chats.deliver("shop-telegram", *delivery)
    assert chats.ticket_of("Thanks!") == sunday

    url = "https://desk.example/in/shop-sms/webhook"
    sms, _ = account.write("Where is my parcel?", url)
    chats.deliver("shop-sms", *sms)
    parcel = chats.ticket_of("Where is my parcel?")
    until(lambda: len(account.messages) == 1)
    chats.reply(parcel, "At your neighbour's.")
    until(lambda: len(account.messages) == 2)
    good, _ = account.write("Good", url)
    for delivery in (good, sms, good):
        chats.deliver("shop-sms", *delivery)
    assert chats.ticket_of("Good") == parcel
    chats.up.verify(wait=120)
    assert [each["text"] for each in bot.sent[1:]] == ["From ten to four."]
    assert [(each["body"], each["to"]) for each in account.messages[1:]] == [
        ("At your neighbour's.", messengers.CUSTOMER)
    ]
