"""Desks and machines that answer each other: two mails at most, whatever is done to the headers on the way."""

import email
import email.policy
import random
import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest

from bus.message import NormalizedMessage
from bus.model import BlobRef
from bus.raw import RawMessage
from bus.record import Received
from bus.settings import DeskSettings
from ingest.mail_message import Mail, compose
from normalize.mail import normalize_mail
from normalize.outcome import Understood
from tests.ticketing.confirm.memory import Confirmed
from ticketing.confirm import Confirming
from ticketing.tokens import ReplyTokens

START = datetime(2026, 3, 2, 9, tzinfo=UTC)
Way = Callable[[bytes], bytes]


class Peer:
    """A desk with keys of its own: bytes come in and are normalized, confirmations go out as bytes."""

    def __init__(self, address: str, key: bytes) -> None:
        self.address = address
        desk = DeskSettings(name=f"Desk {address}", domain=address.partition("@")[2])
        own = frozenset({address})
        self.sim = Confirmed(Confirming(desk, ReplyTokens({1: key * 32}, 1), own=own), now=START)
        self.sent: list[Mail] = []

    def receive(self, data: bytes, envelope_from: str | None) -> list[Mail]:
        """What it sends because of this mail."""
        self.sim.now += timedelta(minutes=1)
        message = self._understood(data, envelope_from)
        value = message.model_copy(update={"received_at": self.sim.now}).to_json()
        self.sim.now += timedelta(seconds=1)
        mails = [compose(reply, self.address) for reply in self.sim.file([Received("t", 0, 0, None, value, 0)])]
        self.sent += mails
        return mails

    def _understood(self, data: bytes, envelope_from: str | None) -> NormalizedMessage:
        raw = RawMessage(
            channel="email",
            account="support",
            received_at=self.sim.now,
            payload=BlobRef(blob="b", size=len(data)),
            envelope_from=envelope_from,
            own_addresses=[self.address],
        )
        [found] = normalize_mail(raw, data)
        assert isinstance(found, Understood)
        return found.message


def untouched(data: bytes) -> bytes:
    return data


def stripped(data: bytes) -> bytes:
    """What a careless gateway leaves: nothing by which a machine can be told."""
    head, _, body = data.partition(b"\r\n\r\n")
    unfolded = re.sub(rb"\r\n[ \t]+", b" ", head)
    telling = re.compile(
        rb"(?:Auto-Submitted|Precedence|X-[\w-]+|List-[\w-]+|Return-Path|Content-Language):", re.IGNORECASE
    )
    return b"\r\n".join(line for line in unfolded.split(b"\r\n") if not telling.match(line)) + b"\r\n\r\n" + body


def orphaned(data: bytes) -> bytes:
    """And nothing by which it refers to anything."""
    head, _, body = stripped(data).partition(b"\r\n\r\n")
    gone = re.compile(rb"(?:In-Reply-To|References|Reply-To):", re.IGNORECASE)
    return b"\r\n".join(line for line in head.split(b"\r\n") if not gone.match(line)) + b"\r\n\r\n" + body


def letter(sender: str, to: str, subject: str, text: str, n: int, *fields: str) -> bytes:
    head = [f"From: {sender}", f"To: {to}", f"Subject: {subject}", f"Message-ID: <l{n}@{sender.partition('@')[2]}>"]
    return "\r\n".join([*head, *fields, "", text, ""]).encode()


@pytest.mark.parametrize("way", [untouched, stripped, orphaned])
def test_two_desks_of_ours(way: Way) -> None:
    one, other = Peer("support@one.example", b"1"), Peer("support@two.example", b"2")
    # an agent of the one writes to the other, by a mail program
    other.sim.desk.count_from(40)
    first = letter(one.address, other.address, "An order", "Where is the order that we have sent you?", 0)
    todo = [(other, first, one.address)]
    while todo:
        peer, data, envelope = todo.pop(0)
        for mail in peer.receive(way(data), envelope if way is untouched else None):
            to = one if mail.recipient.endswith("one.example") else other
            todo.append((to, mail.content, mail.envelope_from))
        assert len(one.sent) + len(other.sent) <= 2


def replied(mail: Mail, n: int) -> bytes:
    """To the reply address, as it should."""
    told = email.message_from_bytes(mail.content, policy=email.policy.default)
    return letter("robot@shop.example", str(told["Reply-To"]), f"Re: {told['Subject']}", "We have got your mail.", n)


def answered_the_author(mail: Mail, n: int) -> bytes:
    told = email.message_from_bytes(mail.content, policy=email.policy.default)
    return letter(
        "robot@shop.example", str(told["From"].addresses[0].addr_spec), f"RE: {told['Subject']}", f"No {n}", n
    )


def referred(mail: Mail, n: int) -> bytes:
    refs = f"In-Reply-To: <{mail.message_id}>"
    return letter("robot@shop.example", "support@one.example", f"Your ticket {n}", f"Number {n}", n, refs)


def said_the_same(mail: Mail, n: int) -> bytes:
    quoted = b"\n".join(b"> " + line for line in mail.content.split(b"\r\n")[:30]).decode("ascii", "replace")
    text = f"Thank you for writing to our shop.\n\nOn Mon, 2 Mar 2026 at 10:00 Support wrote:\n{quoted}"
    return letter("robot@shop.example", "support@one.example", "Thank you", text.replace("\n", "\r\n"), n)


def echoed_our_header(mail: Mail, n: int) -> bytes:
    head = re.sub(rb"\r\n[ \t]+", b" ", mail.content.partition(b"\r\n\r\n")[0]).decode()
    loop = next(line for line in head.split("\r\n") if line.startswith("X-Deskstream-Loop"))
    return letter("robot@shop.example", "support@one.example", f"Subject {n}", f"Text {n}", n, loop)


def said_something_else(_: Mail | None, n: int) -> bytes:
    """Fresh words under a fresh subject, as new mail that refers to nothing."""
    rng = random.Random(n)
    words = " ".join("".join(rng.choices("abcdefghijklmnopqrstuvwxyz", k=7)) for _ in range(30))
    return letter("robot@shop.example", "support@one.example", words[:40], words[40:], n)


@pytest.mark.parametrize(
    "robot",
    [replied, answered_the_author, referred, said_the_same, echoed_our_header, said_something_else],
    ids=lambda robot: robot.__name__,
)
def test_a_machine_that_ignores_every_header(robot: Callable[[Mail, int], bytes]) -> None:
    desk = Peer("support@one.example", b"1")
    todo = [letter("robot@shop.example", desk.address, "An order", "Please send me one lamp.", 0)]
    for n in range(1, 30):
        todo += [robot(mail, n) for data in [todo.pop(0)] for mail in desk.receive(data, "robot@shop.example")]
        if not todo:
            break
    assert todo == []
    assert 1 <= len(desk.sent) <= 2


@pytest.mark.parametrize(("minutes", "mails"), [(1, 2), (90, 3)])
def test_who_writes_at_leisure_is_answered_like_anybody(minutes: int, mails: int) -> None:
    """A person who has a third question an hour and a half after the second was confirmed; a machine is quicker."""
    desk = Peer("support@one.example", b"1")
    for n in range(5):
        desk.sim.now += timedelta(minutes=minutes)
        desk.receive(said_something_else(None, n), "robot@shop.example")
    assert len(desk.sent) == mails


def test_what_was_written_before_our_answer_was_not_caused_by_it() -> None:
    """A mailbox that was read late: all its mails are older than our confirmation of the first."""
    desk = Peer("support@one.example", b"1")
    messages = [desk._understood(said_something_else(None, n), None) for n in range(3)]
    desk.sim.now += timedelta(minutes=5)
    for message in messages:
        value = message.model_copy(update={"received_at": START}).to_json()
        desk.sim.now += timedelta(seconds=1)
        assert len(desk.sim.file([Received("t", 0, 0, None, value, 0)])) == 1


def test_a_machine_that_goes_on_by_itself_is_silenced_and_named() -> None:
    desk = Peer("support@one.example", b"1")
    for n in range(20):
        data = letter("robot@shop.example", desk.address, "Thank you", "Thank you for writing to our shop.", n)
        desk.receive(data, "robot@shop.example")
    assert len(desk.sent) == 1
    [(pair, silence)] = desk.sim.silenced.items()
    assert pair == ("support", "robot@shop.example")
    assert silence.until is not None
    # a person who writes from elsewhere is none of it
    assert (
        len(desk.receive(letter("ann@shop.example", desk.address, "Lamp", "It went out.", 99), "ann@shop.example")) == 1
    )
