"""`deskstream metrics show` and `why`."""

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio
import typer
from typer.testing import CliRunner, Result

from metrics_worker.commands import register
from tests.conftest import Stack
from tests.metrics_worker.histories import Ticket
from tests.metrics_worker.stored import Fed, fed

app = typer.Typer()
register(app)
app.command("other")(lambda: None)


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def figures(stack: Stack) -> AsyncIterator[Fed]:
    survivor, absorbed = Ticket("a", 1, "anna").mail(0).message(5), Ticket("b", 2, "bob").mail(1).merged(9, "a")
    other = Ticket("c", 3, "anna").mail(2, "chat").answered(11).assigned(11, "sam", "first").rated(12, "ok").closed(12)
    empty = Ticket("d", 4, "bob").mail(1).merged(9, "c")
    async with fed(stack) as store:
        for ticket in (survivor, absorbed, other, empty):
            await store.feed(ticket.events[:2])  # bob has tickets for a moment
            await store.feed(ticket.events[2:] or ticket.events)
        yield store


async def run(figures: Fed, tmp_path: Path, *arguments: str) -> Result:
    command = ["metrics", *arguments, "--database", figures.url, "--data", str(tmp_path)]
    return await asyncio.to_thread(lambda: CliRunner().invoke(app, command))


@pytest.mark.stack
async def test_show_as_json_is_what_the_topic_holds(figures: Fed, tmp_path: Path) -> None:
    result = await run(figures, tmp_path, "show", "contact:anna", "--json")
    assert result.exit_code == 0, result.output
    shown = json.loads(result.stdout)
    assert shown["key"] == "contact:anna"
    assert shown["as_of"]["offsets"] == {"0": figures.offset}
    assert shown["as_of"]["at"] is not None
    assert shown["figures"]["total"] == {"value": 2, "count": 2, "sum": 2, "definition": "total@1"}
    assert shown["figures"]["first_response_time.calendar"]["value"] == 600  # the one merged into it waited longer
    assert shown["definitions"]["total@1"]["name"]["nl"] == "Tickets"
    assert shown["definitions"]["first_response_time@1"]["unit"] == "seconds"
    assert shown["figures"]["messages_by_channel.email"]["value"] == 4


@pytest.mark.stack
async def test_show_for_people_names_the_figures(figures: Fed, tmp_path: Path) -> None:
    result = await run(figures, tmp_path, "show", "desk")
    assert result.exit_code == 0
    assert "Tickets by channel" in result.stdout
    assert "█" in result.stdout
    assert "10 min 00 s" in result.stdout
    assert "on time" in result.stdout


@pytest.mark.stack
async def test_definitions_are_said_in_the_desks_language(figures: Fed, tmp_path: Path) -> None:
    (tmp_path / "deskstream.toml").write_text('[desk]\nlanguage = "fr"\n')
    result = await run(figures, tmp_path, "definitions")
    assert "Délai de première réponse" in result.stdout
    whole = [json.loads(line) for line in (await run(figures, tmp_path, "definitions", "--json")).stdout.splitlines()]
    assert {definition["id"] for definition in whole} >= {"total", "unanswered", "happiness"}
    assert all(len(definition["description"]) == 5 for definition in whole)


@pytest.mark.stack
@pytest.mark.parametrize("key", ["contact:anna", "contact:bob", "agent:sam", "team:first", "desk"])
async def test_why_adds_up_to_the_figure(figures: Fed, tmp_path: Path, key: str) -> None:
    shown = json.loads((await run(figures, tmp_path, "show", key, "--json")).stdout)["figures"]
    for figure, document in shown.items():
        result = await run(figures, tmp_path, "why", key, figure, "--json")
        assert result.exit_code == 0, result.output
        shares = [json.loads(line) for line in result.stdout.splitlines()]
        assert sum(share["n"] for share in shares) == document["count"], figure
        assert sum(share["sum"] for share in shares) == document["sum"], figure
        assert all(share["since"]["event_id"] for share in shares)


@pytest.mark.stack
async def test_why_says_between_which_events(figures: Fed, tmp_path: Path) -> None:
    result = await run(figures, tmp_path, "why", "contact:anna", "closed", "--json")
    [share] = [json.loads(line) for line in result.stdout.splitlines()]
    assert (share["ticket_id"], share["number"]) == ("c", 3)
    assert (share["since"]["kind"], share["until"]["kind"]) == ("opened", "closed")
    assert share["until"]["at"] == "2026-03-02T09:12:00Z"
    assert "closed of contact:anna: 1" in (await run(figures, tmp_path, "why", "contact:anna", "closed")).stdout


@pytest.mark.stack
@pytest.mark.parametrize("arguments", [("show", "contact:nobody"), ("why", "contact:nobody", "total")])
async def test_unknown_key_is_one_line_and_1(figures: Fed, tmp_path: Path, arguments: tuple[str, ...]) -> None:
    result = await run(figures, tmp_path, *arguments)
    assert result.exit_code == 1
    assert len(result.stderr.splitlines()) == 1
    assert "contact:nobody" in result.stderr


@pytest.mark.stack
async def test_unknown_figure_names_those_there_are(figures: Fed, tmp_path: Path) -> None:
    result = await run(figures, tmp_path, "why", "desk", "happyness")
    assert result.exit_code == 2
    assert "by_channel.<channel>" in result.stderr


@pytest.mark.stack
async def test_database_without_figures_says_what_to_do(stack: Stack, tmp_path: Path) -> None:
    command = ["metrics", "show", "desk", "--database", stack.new_database(), "--data", str(tmp_path)]
    result = await asyncio.to_thread(lambda: CliRunner().invoke(app, command))
    assert result.exit_code == 1
    assert "deskstream db upgrade" in result.stderr


def test_service_without_addresses_is_refused_in_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("DESKSTREAM_KAFKA", "DESKSTREAM_DATABASE"):
        monkeypatch.delenv(name, raising=False)
    result = CliRunner().invoke(app, ["metrics", "--data", str(tmp_path)])
    assert result.exit_code == 2
    assert len(result.stderr.splitlines()) == 1
