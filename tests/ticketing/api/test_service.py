"""The service: it serves, waits for a database that is away, and stops at once; commands act through it."""

import asyncio
import json
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import httpx
import pytest
from pydantic import SecretStr
from typer.testing import CliRunner

from bus.blob_settings import BlobSettings
from bus.endpoints import Endpoints, write_endpoints
from bus.health import Health
from bus.ops import serving
from bus.settings import ApiSettings, DatabaseSettings, Settings
from deploy.cli import build
from tests.ticketing.api.house import House
from tests.ticketing.mails import mail
from ticketing.api.app import api
from ticketing.api.service import work
from ticketing.api_client import TOKEN_FILE

pytestmark = pytest.mark.stack


@asynccontextmanager
async def served(database: str, folder: Path) -> AsyncIterator[tuple[str, Health]]:
    """The service itself, in this process, on a port of its own."""
    settings = Settings(
        database=DatabaseSettings(url=SecretStr(database)),
        blobs=BlobSettings(url=folder.as_uri()),
        api=ApiSettings(port=0),
        data=folder,
    )
    stop, health, said = asyncio.Event(), Health(), asyncio.Queue[str]()
    running = asyncio.ensure_future(work(settings)(stop, health, lambda **more: said.put_nowait(more["api"])))
    try:
        yield await asyncio.wait_for(said.get(), 60), health
    finally:
        stop.set()
        await asyncio.wait_for(running, 60)


async def test_it_serves_and_stops(house: House, tmp_path: Path) -> None:
    ticket = await house.ticket("served")
    headers = {"Authorization": f"Bearer {house.tokens['agent']}"}
    async with served(house.url, tmp_path) as (url, health), httpx.AsyncClient(base_url=url) as client:
        answer = await client.get(f"/api/v1/tickets/{ticket.number}", headers=headers)
        assert answer.status_code == 200
        assert (await client.get("/api/v1/openapi.json")).json()["info"]["title"] == "Deskstream"
        while not health.ready:
            await asyncio.sleep(0.05)


async def test_it_follows_what_comes_in(house: House, tmp_path: Path) -> None:
    headers = {"Authorization": f"Bearer {house.tokens['agent']}"}
    async with served(house.url, tmp_path) as (url, _), httpx.AsyncClient(base_url=url, headers=headers) as client:
        await house.only_file(mail("followed", text="A capybara.", sender="followed@customer.example"))
        async with asyncio.timeout(60):
            while not (await client.get("/api/v1/tickets", params={"text": "capybara"})).json()["items"]:
                await asyncio.sleep(0.05)


async def test_it_waits_for_a_database_that_is_away(tmp_path: Path) -> None:
    away = "postgresql+psycopg://nobody@127.0.0.1:1/nothing"
    async with served(away, tmp_path) as (url, health), httpx.AsyncClient(base_url=url, timeout=30) as client:
        answer = await client.get("/api/v1/me", headers={"Authorization": "Bearer dsk_0123456789abcdef_x"})
        assert answer.status_code in (401, 503)
        valid = f"dsk_{'0' * 16}_{'A' * 43}"
        answer = await client.get("/api/v1/me", headers={"Authorization": f"Bearer {valid}"})
        assert answer.status_code == 503, answer.text
        assert answer.headers["retry-after"]
        assert answer.json()["type"] == "urn:deskstream:problem:unavailable"
        assert not health.ready


async def test_commands_act_through_it(house: House, tmp_path: Path) -> None:
    ticket = await house.ticket("by-command")
    file = tmp_path / "note.txt"
    file.write_text("A file.")  # a small one
    async with serving(api(house.inside), "127.0.0.1", 0) as port:

        async def run(*words: str, text: str | None = None, token: str = "agent") -> str:  # a role
            where = ("--url", f"http://127.0.0.1:{port}", "--token", house.tokens[token], "--data", str(tmp_path))
            command = ["tickets", words[0], *words[1:], *where]
            done = await asyncio.to_thread(CliRunner().invoke, build("tickets"), command, input=text)
            if done.exception is not None and not isinstance(done.exception, SystemExit):
                return f"{type(done.exception).__name__}: {done.exception}"
            return done.output

        number = str(ticket.number)
        assert await run("comment", number, "-", "--attach", str(file), text="From outside.") == (
            f"Ticket #{number}: commented.\n"
        )
        assert "assigned" in await run("assign", number, "--owner", "me")
        assert "updated" in await run("update", number, "--priority", "high", "--tag", "a", "--tag", "b")
        assert "updated" in await run("update", number, "--clear", "tag")
        assert "replied" in await run("reply", number, "Thank you.", "--cc", "bob@customer.example")
        assert "status changed" in await run("hold", number)
        assert "closed" in await run("close", number)
        assert "reopened" in await run("reopen", number)
        assert "spam marked" in await run("act", "mark-spam", number)
        document = json.loads(await run("act", "unmark-spam", number, "--json"))
        assert (document["priority"], document["tags"], document["owner_id"]) == ("high", [], house.ids["agent"])
        assert "Invalid: it is at version" in await run("comment", number, "Late.", "--version", "1")
        assert "Invalid: there is no ticket" in await run("close", "999999")
        assert "Invalid: this needs the permission" in await run("close", number, token="read_only")
        assert "ConfigError" in await run("act", "close", number, "[]")
    assert "Retryable: the API at" in await run("close", number)
    files = await house.rows("SELECT attachments FROM desk.comments WHERE ticket_id = :id", id=ticket.id)
    assert [(file["name"], file["media_type"], file["size"]) for file in files[0][0]] == [("note.txt", "text/plain", 7)]


async def test_commands_find_api_and_token_of_the_up_on_their_data_folder(house: House, tmp_path: Path) -> None:
    ticket = await house.ticket("by-folder")
    async with serving(api(house.inside), "127.0.0.1", 0) as port:
        write_endpoints(tmp_path, Endpoints(pid=os.getpid(), api=f"http://127.0.0.1:{port}", ready=True))
        (tmp_path / TOKEN_FILE).write_text(house.tokens["admin"])  # a small one
        done = await asyncio.to_thread(
            CliRunner().invoke, build("tickets"), ["tickets", "close", str(ticket.number), "--data", str(tmp_path)]
        )
    assert done.output == f"Ticket #{ticket.number}: closed.\n"
