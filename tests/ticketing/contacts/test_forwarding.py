"""An agent's forward is the customer's mail; a stranger's is a mail of the stranger's."""

import json
from dataclasses import replace

import pytest

from bus.message import Address, Author, Forwarded, NormalizedMessage
from tests.ticketing.filing.conftest import Desk
from tests.ticketing.filing.said import START, TOKENS, record, said
from ticketing.decode import decode
from ticketing.incoming import Incoming
from ticketing.policy import Policy

AGENTS = Policy(agents=frozenset({"joe@desk.example", "@support.example"}))
PASSED_ON = Forwarded(author=Address(address="ann@x.example", name="Ann"), subject="Lamp", message_id="q1@x.example")


def forward(name: str, agent: str, *, verified: bool, passed_on: Forwarded | None = PASSED_ON) -> NormalizedMessage:
    author = Author(kind="email", address=agent, name="Joe", verified=verified)
    dmarc = "pass" if verified else "none"
    return said(name, agent, subject="Fwd: Lamp", dmarc=dmarc).model_copy(
        update={"author": author, "forwarded": passed_on}
    )


@pytest.mark.parametrize(
    ("agent", "verified", "author"),
    [
        ("joe@desk.example", True, "ann@x.example"),
        ("eve@support.example", True, "ann@x.example"),
        ("joe@desk.example", False, "joe@desk.example"),
        ("mallory@evil.example", True, "mallory@evil.example"),
    ],
)
def test_who_is_taken_for_the_author(agent: str, verified: bool, author: str) -> None:
    found = decode(record(forward("f", agent, verified=verified)), TOKENS, AGENTS)
    assert isinstance(found, Incoming)
    assert found.author.address == found.person == author
    assert not found.author.verified or author == agent
    assert author == agent or not (found.authentic or found.by_agent)
    kept = json.loads(found.document)
    assert kept["author"]["address"] == author
    assert kept["forwarded_by"] == (agent if author == "ann@x.example" else None)
    again = decode(record(NormalizedMessage.from_json(found.document)), TOKENS, AGENTS)
    assert isinstance(again, Incoming)
    assert again.author == found.author


def test_an_agent_who_forwards_an_agent_writes_himself() -> None:
    inner = Forwarded(author=Address(address="joe@desk.example"))
    message = forward("f", "eve@support.example", verified=True, passed_on=inner)
    found = decode(record(message), TOKENS, AGENTS)
    assert isinstance(found, Incoming)
    assert found.author.address == "eve@support.example"


@pytest.mark.stack
async def test_the_customer_gets_the_ticket_and_the_confirmation(desk: Desk) -> None:
    desk.filing = replace(desk.filing, policy=AGENTS, clock=lambda: START)
    await desk.file(forward("f", "joe@desk.example", verified=True))
    assert await desk.requesters() == ["ann@x.example"]
    [(subject, document)] = await desk.rows("SELECT t.subject, r.document FROM desk.tickets t, desk.replies r")
    reply = json.loads(document)
    assert (subject, reply["recipient"]["address"], reply["in_reply_to"]) == ("Lamp", "ann@x.example", "q1@x.example")
    # the customer writes again, in answer to the mail that the agent passed on
    await desk.file(said("r", "ann@x.example", "q1@x.example"))
    assert await desk.conversations() == [{"f", "r"}]
