"""docs/revisions.md: every row of its table is a test, state by state and in one batch."""

import itertools
import json
import re
from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from bus.calls import automation_of, worded
from bus.message import Author, Automation, Call, NormalizedMessage, RawPosition, Ref
from bus.record import Received
from bus.settings import DeskSettings
from tests.ticketing.filing.conftest import Desk
from tests.ticketing.filing.said import START, TOKENS
from ticketing.confirm import Confirming
from ticketing.decode import decode
from ticketing.incoming import Incoming
from ticketing.policy import Policy
from ticketing.states import folded, says_the_same

DOCUMENT = Path(__file__).parents[3] / "docs" / "revisions.md"
CONFIRMING = Confirming(DeskSettings(confirm_publicly=["forum"]), TOKENS)
CALLER, CALLEE = "+31201234567", "+31207654321"
_POSTS = {
    "created": (0, "first", 0.0),
    "edited": (5, "second", 0.0),
    "edited again": (9, "third", 0.0),
    "old edit": (5, "second", -30.0),
    "nobody": (5, "second", 0.0),
    "emptied": (5, "", 0.0),
    "removed": (2**31 - 1, "", 0.0),
    "feedback": (0, "first", 0.0),
    "staff": (0, "staff", 0.0),
}
_CALLS = {
    "ringing": (0, Call(direction="in", state="ringing", caller=CALLER, callee=CALLEE, started_at=START)),
    "dialled": (0, Call(direction="out", state="ringing", callee=CALLER)),
    "answered": (10, Call(state="answered", answered_by="Bea", answered_at=START + timedelta(seconds=9))),
    "missed": (20, Call(state="ended", missed=True, cause="no-answer")),
    "hung up": (20, Call(state="ended", missed=False, duration=40)),
    "voicemail": (25, Call(state="answered", missed=True, voicemail=True)),
}


def post(what: str, n: int) -> NormalizedMessage:
    revision, text, age = _POSTS[what]
    known = what != "nobody"
    return NormalizedMessage(
        message_id="post" if what != "staff" else "other",
        revision=revision,
        change="removed" if what == "removed" else "edited" if revision else "created",
        normalizer="forum/1",
        channel="web_form" if what == "feedback" else "forum",
        account="forum",
        source_id="77" if what != "staff" else "78",
        author=Author(kind="forum", address=("u9" if what == "staff" else "u1") if known else "anonymous:77"),
        text=text,
        reply_text=text,
        sent_at=START + timedelta(days=age) if what != "removed" else None,
        received_at=START + timedelta(minutes=n),
        visibility="public",
        refs=[Ref(kind="provider_thread", value="t1")],
        automation=Automation(kind="system", reason="author:staff") if what == "staff" else Automation(),
        feedback_only=what == "feedback",
        raw=RawPosition(topic="raw.forum", partition=0, offset=n),
    )


def event(what: str, n: int) -> NormalizedMessage:
    revision, call = _CALLS[what]
    number = call.caller or (call.callee if call.direction == "out" else None)
    return NormalizedMessage(
        message_id="call",
        revision=revision,
        change="edited" if revision else "created",
        normalizer="phone/2",
        channel="phone",
        account="pbx",
        source_id="c1",
        author=Author(kind="phone", address=number or "anonymous:c1"),
        text=worded(call),
        reply_text=worded(call),
        received_at=START + timedelta(seconds=n),
        refs=[Ref(kind="provider_thread", value="c1")],
        automation=automation_of(call),
        call=call,
        raw=RawPosition(topic="raw.phone", partition=0, offset=n),
    )


def states(comes: str) -> list[NormalizedMessage]:
    names = comes.split(", ")
    return [event(name, n) if name in _CALLS else post(name, n) for n, name in enumerate(names)]


def rows() -> list[list[str]]:
    table = re.findall(r"^\| (.+) \|$", DOCUMENT.read_text("utf-8"), re.MULTILINE)
    return [[cell.strip() for cell in line.split(" |")] for line in table[1:]]


async def told(desk: Desk) -> str:
    [numbers] = [[number for (number,) in await desk.rows("SELECT number FROM desk.tickets ORDER BY number")]]
    return " ".join([" ".join(await desk.history(number)) for number in numbers])


@pytest.mark.stack
@pytest.mark.parametrize("together", [False, True], ids=["one_by_one", "in_one_batch"])
@pytest.mark.parametrize("row", rows(), ids=lambda row: row[0])
async def test_a_row(desk: Desk, row: list[str], *, together: bool) -> None:
    comes, tickets, text, author, history = row
    desk.filing = replace(desk.filing, confirming=CONFIRMING)
    messages = states(comes)
    for batch in [messages] if together else [[message] for message in messages]:
        await desk.file(*batch)
    assert len(await desk.rows("SELECT 1 FROM desk.tickets")) == int(tickets)
    found = await desk.rows("SELECT id, document, author_address, aside, ticket_id FROM desk.messages")
    [(_, document, address, aside, ticket)] = [each for each in found if each[0] != "other"] or found
    kept = json.loads(document)
    assert kept["text"] == text
    assert kept["author"]["address"].partition(":")[0] == address.partition(":")[0] == author
    assert await told(desk) == history
    assert (aside is None) == (ticket is not None or comes == "staff")
    assert kept["change"] == ("removed" if "removed" in comes else kept["change"])
    # every raw record has one outcome: its own row, or what it was to another
    settled = await desk.rows("SELECT raw_offset FROM desk.settled UNION ALL SELECT raw_offset FROM desk.messages")
    assert sorted(offset for (offset,) in settled) == list(range(len(messages)))


@pytest.mark.stack
@pytest.mark.parametrize(
    ("comes", "tickets"),
    [
        ("created, edited, edited again, removed", 1),
        ("ringing, answered, hung up", 0),
        ("ringing, voicemail, missed", 1),
    ],
)
async def test_every_order_leads_to_the_same(desk: Desk, comes: str, tickets: int) -> None:
    seen = set()
    for order in itertools.permutations(states(comes)):
        await desk.empty()
        for message in order:
            await desk.file(message)
        [(document, address, number)] = await desk.rows(
            "SELECT m.document, i.value, t.messages FROM desk.messages m "
            "LEFT JOIN desk.tickets t ON t.id = m.ticket_id LEFT JOIN desk.identities i ON i.contact_id = t.contact_id"
        )
        kept = json.loads(document)
        seen.add((kept["text"], kept["change"], kept["revision"], kept["author"]["address"], address, number))
    assert len(seen) == 1, seen
    assert {each[-1] for each in seen} == {tickets or None}


def _read(message: NormalizedMessage) -> Incoming:
    found = decode(Received("t", 0, 0, None, message.to_json(), 0), TOKENS, Policy())
    assert isinstance(found, Incoming)
    return found


@pytest.mark.parametrize("names", [("created", "edited", "edited again", "removed", "nobody"), tuple(_CALLS)])
def test_states_are_put_together_the_same_in_every_order(names: Sequence[str]) -> None:
    for length in range(1, len(names) + 1):
        for chosen in itertools.combinations(names, length):
            known = [_read(message) for message in states(", ".join(chosen))]
            expected = folded(known)
            for order in itertools.permutations(known):
                assert says_the_same(folded(order), expected), chosen


@pytest.mark.stack
async def test_a_newer_reading_opens_nothing_and_a_later_event_does(desk: Desk) -> None:
    await desk.file(event("ringing", 0))
    again = event("missed", 0).model_copy(update={"revision": 0, "normalizer": "phone/3", "replayed": True})
    await desk.file(again)
    assert await desk.rows("SELECT aside, normalizer FROM desk.messages") == [("call", "phone/3")]
    assert await desk.rows("SELECT 1 FROM desk.tickets") == []
    await desk.file(event("missed", 1))
    assert await desk.history(1) == ["opened", "message_received", "confirmation_suppressed"]


@pytest.mark.stack
async def test_feedback_is_told_of_its_contact_once(desk: Desk) -> None:
    await desk.file(post("feedback", 0))
    await desk.file(post("feedback", 1))
    events = await desk.rows("SELECT version, type, document::json #>> '{data,message_id}' FROM desk.contact_events")
    assert events == [(1, "contact.created", None), (2, "contact.feedback_received", "post")]
    assert await desk.rows("SELECT version FROM desk.contacts") == [(2,)]
    assert await desk.rows("SELECT 1 FROM desk.names UNION ALL SELECT 1 FROM desk.replies") == []


@pytest.mark.stack
async def test_what_staff_writes_is_an_agents(desk: Desk) -> None:
    await desk.file(post("created", 0), post("staff", 1))
    rows = await desk.rows(
        "SELECT document::json #>> '{actor,kind}' FROM desk.ticket_events WHERE type = 'ticket.message_received' "
        "ORDER BY id"
    )
    assert rows == [("customer",), ("agent",)]
    assert await desk.rows("SELECT messages FROM desk.tickets") == [(1,)]
    assert await desk.rows("SELECT value FROM desk.identities") == [("u1",)]


@pytest.mark.stack
async def test_endless_editing_keeps_few_states(desk: Desk) -> None:
    await desk.file(post("created", 0))
    edits = [
        post("edited", n).model_copy(update={"revision": n, "text": f"t{n}", "reply_text": f"t{n}"})
        for n in range(1, 70)
    ]
    await desk.file(*edits)
    await desk.file(post("edited again", 70).model_copy(update={"revision": 70}))
    [(count,)] = await desk.rows("SELECT count(*) FROM desk.message_states")
    assert count == 50
    assert await desk.rows("SELECT revision, document::json ->> 'text' FROM desk.messages") == [(70, "third")]
    assert (await desk.history(1)).count("message_revised") == 70
