"""What the commands show of a desk, and what they change."""

import asyncio
import json
from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from typing import Any

import pytest
import typer
from typer.testing import CliRunner

from bus.errors import Invalid
from bus.progress import Moving
from bus.record import Received
from bus.settings import DeskSettings
from tests.conftest import Stack
from tests.ticketing.mails import mail, received
from ticketing.commands import register
from ticketing.confirm import Confirming
from ticketing.database import engine
from ticketing.filing import Filing
from ticketing.migrate import upgrade
from ticketing.tokens import ReplyTokens

pytestmark = pytest.mark.stack

TOKENS = ReplyTokens({1: bytes(32)}, 1)


class Anywhere:
    """Progress of a test that reads no topic."""

    def moving(self, batch: Sequence[Received]) -> Moving:  # noqa: ARG002  # its form
        """Nothing to move."""
        return Moving("SELECT WHERE false", {"topics": ()})


class Commands:
    """The command line over one database."""

    def __init__(self, url: str, folder: Path, filing: Filing) -> None:
        self.url, self.filing = url, filing
        self._where = ["--database", url, "--data", str(folder)]
        self._app = typer.Typer()
        register(self._app)

    def text(self, *words: str) -> str:
        """What a command prints; raises what it raises."""
        result = CliRunner().invoke(self._app, [*words, *self._where], catch_exceptions=False)
        assert result.exit_code == 0, result.output
        return result.stdout

    async def json(self, *words: str) -> list[dict[str, Any]]:
        """The documents a command prints."""
        out = await asyncio.to_thread(self.text, *words, "--json")
        return [json.loads(line) for line in out.splitlines()]


@pytest.fixture
async def desk(stack: Stack, tmp_path: Path) -> AsyncIterator[Commands]:
    """A desk with two tickets, one of them merged of two, and an automatic mail."""
    url = stack.new_database()
    await asyncio.to_thread(upgrade, url)
    pool = engine(url)
    filing = Filing(pool, Anywhere(), Confirming(DeskSettings(), TOKENS))
    await filing(received([mail("q1@c"), mail("q2@c", sender="bob@other.example", subject="Other")]))
    late = mail("r3@c", answers="r2@c")
    await filing(received([late], offset=2))
    await filing(received([mail("r2@c", answers="q1@c")], offset=3))
    await filing(received([mail("code@m", sender="no-reply@m.example", automation="system", text="123456")], offset=4))
    yield Commands(url, tmp_path, filing)
    await pool.dispose()


async def test_lists_are_documents_one_a_line(desk: Commands) -> None:
    tickets = await desk.json("tickets", "list")
    assert [(t["kind"], t["number"], t["aliases"]) for t in tickets] == [
        ("ticket.state.v1", 2, []),
        ("ticket.state.v1", 1, [3]),
    ]
    assert len(await desk.json("tickets", "list", "--limit", "1")) == 1
    assert await desk.json("tickets", "list", "--status", "closed") == []
    contacts = await desk.json("contacts", "list")
    assert {c["identities"][0]["value"]: c["tickets"] for c in contacts} == {
        "ann@customer.example": 1,
        "bob@other.example": 1,
    }
    assert [m["source_id"] for m in await desk.json("automatic", "list")] == ["code@m"]


async def test_a_number_works_for_ever(desk: Commands) -> None:
    [ticket], [alias] = await desk.json("tickets", "show", "1"), await desk.json("tickets", "show", "3")
    assert ticket == alias
    assert ticket["number"] == 1
    assert sorted(m["source_id"] for m in ticket["messages"]) == ["q1@c", "r2@c", "r3@c"]
    assert [e["type"] for e in ticket["history"] if e["ticket_id"] == ticket["id"]][:3] == [
        "ticket.opened",
        "ticket.message_received",
        "ticket.confirmed",
    ]
    assert {e["number"] for e in ticket["history"]} == {1, 3}


async def test_an_unknown_number_is_one_line(desk: Commands) -> None:
    with pytest.raises(Invalid, match=r"^there is no ticket 99; .*$"):
        await desk.json("tickets", "show", "99")
    with pytest.raises(Invalid, match="no message x@y"):
        await desk.json("tickets", "why", "x@y")
    with pytest.raises(Invalid, match="no contact nobody"):
        await desk.json("contacts", "show", "nobody")


async def test_why_names_the_rule_and_the_evidence(desk: Commands) -> None:
    [why] = await desk.json("tickets", "why", "<r2@c>")
    assert (why["ticket"], why["match"]["rule"]) == (1, "own_reference")


async def test_why_says_in_words_what_was_tried(desk: Commands) -> None:
    shown = await asyncio.to_thread(desk.text, "tickets", "why", "<r3@c>")
    assert "is in ticket #1, filed in #3\n" in shown
    assert "rule: new_ticket (none)" in shown
    assert "tried before: reply_token: it carries no token" in shown
    [ticket] = await desk.json("tickets", "show", "1")
    assert {m["source_id"]: m["match"]["rule"] for m in ticket["messages"]}["r2@c"] == "own_reference"


async def test_what_an_agent_does_by_hand(desk: Commands) -> None:
    [merged] = await desk.json("tickets", "merge", "1", "2", "--agent", "agent-7")
    assert (merged["number"], merged["aliases"]) == (1, [2, 3])
    [apart] = await desk.json("tickets", "unmerge", "2")
    assert (apart["number"], apart["merged_into"]) == (2, None)
    [split] = await desk.json("tickets", "split", "1", "<r2@c>")
    assert split["counts"]["messages"] == 1
    [back] = await desk.json("tickets", "unsplit", str(split["number"]))
    assert back["number"] == 1
    [wrong] = await desk.json("tickets", "wrong", "<r3@c>")
    assert "an agent said that it was in the wrong ticket" in await asyncio.to_thread(
        desk.text, "tickets", "why", "<r3@c>"
    )
    [moved] = await desk.json("tickets", "move", "<r2@c>", "2")
    assert moved["counts"]["messages"] == 2
    assert [t["number"] for t in await desk.json("tickets", "list")] == [wrong["number"], 2, 1]
    await desk.json("tickets", "participant", "1", "eve@x.example")
    await desk.json("tickets", "participant", "1", "eve@x.example", "--remove")
    await desk.json("tickets", "revoke-tokens", "1")
    [shown] = await desk.json("tickets", "show", "1")
    assert [e["type"] for e in shown["history"]][-3:] == ["ticket.updated"] * 3
    assert {e["actor"].get("id") for e in shown["history"] if e["type"] == "ticket.absorbed"} >= {"agent-7"}


async def test_suggestions_are_shown_and_join_nothing(desk: Commands) -> None:
    [ticket] = await desk.json("tickets", "show", "1")
    assert ticket["suggestions"] == []
    pool = engine(desk.url)
    filing = Filing(pool, Anywhere(), Confirming(DeskSettings(), TOKENS))
    await filing(
        received(
            [mail("s1@c", subject="RE: It does  not work"), mail("s2@c", sender="eve@x.example", number=1)], offset=9
        )
    )
    await pool.dispose()
    [again], [reply] = await desk.json("tickets", "show", "4"), await desk.json("tickets", "show", "5")
    assert again["suggestions"] == [{"kind": "same_sender_and_subject", "number": 1}]
    assert reply["possible_reply_to"] == 1
    assert reply["suggestions"] == [{"kind": "possible_reply", "number": 1}]
    assert "possible reply to #1" in await asyncio.to_thread(desk.text, "tickets", "show", "5")


async def test_a_contact_is_found_by_its_address(desk: Commands) -> None:
    [contact] = await desk.json("contacts", "show", "Bob@other.example")
    assert [ticket["number"] for ticket in contact["tickets"]] == [2]


async def test_what_strangers_wrote_cannot_move_the_terminal(desk: Commands) -> None:
    for words in (("tickets", "list"), ("tickets", "show", "1"), ("contacts", "list")):
        shown = await asyncio.to_thread(desk.text, *words)
        assert "Ann" in shown or "ann@" in shown
        assert "\x1b[31m" not in shown


async def test_automatic_mail_becomes_a_ticket_by_hand(desk: Commands) -> None:
    [message] = await desk.json("automatic", "show", "code@m")
    assert message["text"] == "123456"
    [ticket] = await desk.json("automatic", "to-ticket", message["message_id"])
    [shown] = await desk.json("tickets", "show", str(ticket["number"]))
    assert [m["source_id"] for m in shown["messages"]] == ["code@m"]
    assert [(e["version"], e["type"]) for e in shown["history"]] == [
        (1, "ticket.opened"),
        (2, "ticket.message_received"),
        (3, "ticket.confirmation_suppressed"),
    ]
    assert shown["history"][0]["data"]["manual"] is True
    assert shown["history"][2]["data"] == {"reason": "machine"}
    assert await desk.json("automatic", "list") == []
    with pytest.raises(Invalid, match="already"):
        await desk.json("automatic", "to-ticket", message["message_id"])


async def test_feedback_is_shown_with_its_contact_and_becomes_a_ticket_by_hand(desk: Commands) -> None:
    written = mail("f1", text="Nice lamps.", feedback_only=True).model_copy(update={"channel": "web_form"})
    await desk.filing(received([written], topic="messages.web_form"))
    [kept] = [m for m in await desk.json("automatic", "list") if m["aside"]]
    assert (kept["aside"], kept["source_id"]) == ("feedback", "f1")
    [ann] = await desk.json("contacts", "show", "ann@customer.example")
    assert [(f["text"], f["channel"]) for f in ann["feedback"]] == [("Nice lamps.", "web_form")]
    assert "Nice lamps." in await asyncio.to_thread(desk.text, "contacts", "show", "ann@customer.example")
    shown = await asyncio.to_thread(desk.text, "tickets", "why", "f1")
    assert "is in no ticket (feedback)" in shown
    assert "feedback wants no answer" in shown
    [ticket] = await desk.json("automatic", "to-ticket", "f1")
    assert (ticket["contact_id"], ticket["counts"]["messages"]) == (ann["id"], 1)
    [whole] = await desk.json("tickets", "show", str(ticket["number"]))
    assert [e["type"] for e in whole["history"]] == [
        "ticket.opened",
        "ticket.message_received",
        "ticket.confirmation_suppressed",
    ]
    assert [e["actor"]["kind"] for e in whole["history"]] == ["agent", "customer", "system"]
    [ann] = await desk.json("contacts", "show", "ann@customer.example")
    assert ann["feedback"] == []


async def test_automatic_mail_is_found_by_its_words(desk: Commands) -> None:
    for words, found in (("123456", 1), ("NO-REPLY@m.example system", 1), ("123456 absent", 0), ("%", 0), ("", 1)):
        assert len(await desk.json("automatic", "list", "--search", words)) == found, words
    assert await desk.json("automatic", "silenced") == []


async def test_upgrade_may_be_repeated(desk: Commands) -> None:
    assert await desk.json("db", "upgrade") == [{"ok": True}]


async def test_contacts_are_merged_moved_and_taken_apart(desk: Commands) -> None:
    [ann] = await desk.json("contacts", "show", "ann@customer.example")
    assert ann["account"] == "customer.example"
    [merged] = await desk.json("contacts", "merge", "bob@other.example", "ann@customer.example")
    assert (merged["id"], len(merged["tickets"]), len(merged["absorbed"])) == (ann["id"], 2, 1)
    assert len(await desk.json("contacts", "list")) == 1
    [freed] = await desk.json("contacts", "unmerge", merged["absorbed"][0])
    assert [ticket["number"] for ticket in freed["tickets"]] == [2]
    [moved] = await desk.json("contacts", "move", "bob@other.example", "customer.example")
    assert (moved["account"], moved["account_by"]) == ("customer.example", "hand")
    # two of one name at one account, but an agent has taken them apart
    assert await desk.json("contacts", "suggestions") == []
    [marked] = await desk.json("contacts", "identity", "ann@customer.example", "--shared")
    assert marked == {"identity": "ann@customer.example", "identifying": False, "marked": 1}
