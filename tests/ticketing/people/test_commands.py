"""People from the command line: made, shown, changed, given tokens and passwords."""

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest
import typer
from sqlalchemy.ext.asyncio import AsyncEngine
from typer.testing import CliRunner

from bus.errors import Invalid
from ticketing.commands import register
from ticketing.people.store import log_in, who_holds

pytestmark = pytest.mark.stack
SECRET = "correct horse battery"


class Line:
    """The command line over one database."""

    def __init__(self, url: str, folder: Path) -> None:
        self._where = ["--database", url, "--data", str(folder), "--json"]
        self._app = typer.Typer()
        register(self._app)

    async def __call__(self, *words: str, given: str | None = None) -> list[dict[str, Any]]:
        """The documents a command prints; raises what it raises."""
        return await asyncio.to_thread(self._run, words, given)

    def _run(self, words: tuple[str, ...], given: str | None) -> list[dict[str, Any]]:
        result = CliRunner().invoke(self._app, [*words, *self._where], input=given, catch_exceptions=False)
        assert result.exit_code == 0, result.output
        assert SECRET not in result.output
        return [json.loads(line) for line in result.stdout.splitlines()]


@pytest.fixture
def line(people_database: str, desk_engine: AsyncEngine, tmp_path: Path) -> Line:
    return Line(people_database, tmp_path)


async def test_agents_are_made_changed_and_disabled(line: Line, desk_engine: AsyncEngine) -> None:
    await line("departments", "add", "sales", "--name", "Sales", "--from", "sales@desk.example")
    [bea] = await line("agents", "add", "Bea Boon", "--email", "Bea@desk.example", "--department", "sales")
    assert (bea["email"], bea["roles"], bea["departments"]) == ("bea@desk.example", ["agent"], ["sales"])
    [edited] = await line("agents", "edit", "bea@desk.example", "--role", "supervisor", "--department", "")
    assert (edited["roles"], edited["departments"], edited["name"]) == (["supervisor"], [], "Bea Boon")
    [shown] = await line("agents", "show", "Bea Boon")
    assert shown == edited
    assert (await line("agents", "disable", bea["id"]))[0]["disabled_at"]
    assert (await line("agents", "enable", bea["id"]))[0]["disabled_at"] is None
    assert [each["name"] for each in await line("agents", "list")] == ["Bea Boon"]
    with pytest.raises(Invalid, match="there is no agent Eve; `deskstream agents list`"):
        await line("agents", "show", "Eve")
    with pytest.raises(Invalid, match="email"):
        await line("agents", "add", "Cid", "--email", "no address")


async def test_tokens_are_shown_once_listed_without_secrets_and_revoked(line: Line, desk_engine: AsyncEngine) -> None:
    [bea] = await line("agents", "add", "Bea")
    [made] = await line("agents", "token", "Bea", "--days", "2", "--scope", "see_tickets", "--name", "till")
    async with desk_engine.connect() as connection:
        who = await who_holds(connection, made["token"])
    assert who is not None
    assert (who.agent_id, who.scopes) == (bea["id"], frozenset({"see_tickets"}))
    [listed] = await line("agents", "tokens", "Bea")
    assert (listed["id"], listed["name"], listed["scopes"]) == (made["id"], "till", ["see_tickets"])
    assert made["token"].split("_", 2)[2] not in json.dumps(listed)
    await line("agents", "revoke", made["id"])
    async with desk_engine.connect() as connection:
        assert await who_holds(connection, made["token"]) is None


async def test_a_password_is_read_from_standard_input(line: Line, desk_engine: AsyncEngine) -> None:
    await line("agents", "add", "Bea", "--email", "bea@desk.example")
    [changed] = await line("agents", "password", "Bea", "--stdin", given=f"{SECRET}\n")
    assert changed["has_password"]
    assert (await log_in(desk_engine, "bea@desk.example", SECRET, address="local")).token
    with pytest.raises(Invalid, match="12 to 1000 characters"):
        await line("agents", "password", "Bea", "--stdin", given="short\n")


async def test_departments_and_teams(line: Line) -> None:
    [bea] = await line("agents", "add", "Bea")
    await line("departments", "add", "sales", "--rating", "at_close", "--member", bea["id"])
    [changed] = await line("departments", "edit", "sales", "--signature", "Sales", "--member", "")
    assert (changed["signature"], changed["members"], changed["rating"]) == ("Sales", [], "at_close")
    assert (await line("departments", "show", "sales"), await line("departments", "list")) == ([changed], [changed])
    [team] = await line("teams", "add", "Night", "--department", "sales", "--member", bea["id"])
    [edited] = await line("teams", "edit", "Night", "--name", "Day", "--department", "")
    assert edited == team | {"name": "Day", "department_id": None}
    assert (await line("teams", "show", team["id"]), await line("teams", "list")) == ([edited], [edited])
