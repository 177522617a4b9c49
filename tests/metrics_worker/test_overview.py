"""The pages of contacts, accounts, agents and the team, as data and in the terminal; calendars that are kept."""

import asyncio
import json
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest
import pytest_asyncio
import typer
from typer.testing import CliRunner

from bus.configured_calendars import configured
from bus.errors import ConfigError
from bus.settings import CalendarSettings, DeskSettings, Settings
from metrics_worker import calendar_store, overview
from metrics_worker.behind import behind
from metrics_worker.commands import register
from metrics_worker.service import NAMES
from tests.conftest import Stack
from tests.metrics_worker.histories import BEGIN, Contact, Ticket
from tests.metrics_worker.stored import Fed, fed

pytestmark = pytest.mark.stack
app = typer.Typer()
register(app)
app.command("other")(lambda: None)


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def figures(stack: Stack) -> AsyncIterator[Fed]:
    one = Ticket("a", 1, "anna", "acme").mail(0).assigned(1, "sam", "first").answered(10, "sam", "r1").closed(12)
    one.rated(20, "good", "r1", words=True)
    two = Ticket("b", 2, "bob", "acme").mail(5, "chat").assigned(6, None, "first").due(6, 50)
    three = Ticket("c", 3, "bob", "acme").mail(8, "chat")
    people = Contact("bob").add("contact.created", account_id="acme").add("contact.merged", 9, into="anna")
    async with fed(stack) as store:
        await store.feed([*one.events, *two.events, *three.events], people.events)
        yield store


async def test_contacts_page(figures: Fed) -> None:
    async with figures.engine.connect() as connection:
        page = await overview.overview(connection, NAMES, "contact:anna", BEGIN)
    assert page.contacts == ["anna", "bob"]
    assert page.figures["total"].count == 3
    assert [(each.channel, each.tickets, each.percent) for each in page.donut] == [("chat", 2, 67), ("email", 1, 33)]
    assert [each.at for each in page.activity] == sorted((each.at for each in page.activity), reverse=True)
    answer = next(each for each in page.activity if each.kind == "agent_response")
    assert (answer.at, answer.agent_id, answer.number, answer.status) == (
        BEGIN + timedelta(minutes=10),
        "sam",
        1,
        "closed",
    )
    [rating] = page.ratings
    assert (rating.rating, rating.agent_id, rating.reply_id, rating.has_words) == ("good", "sam", "r1", True)


async def test_accounts_page_names_its_associates(figures: Fed) -> None:
    async with figures.engine.connect() as connection:
        page = await overview.overview(connection, NAMES, "account:acme", BEGIN)
        nobody = await overview.overview(connection, NAMES, "account:none", BEGIN)
    assert page.contacts == ["anna", "bob"]
    assert page.figures["first_response_time.calendar"].value == 600
    assert (nobody.as_of, nobody.figures["total"].value, nobody.activity) == (None, 0, [])


async def test_agents_scorecard_by_day(figures: Fed) -> None:
    today = (BEGIN - BEGIN.replace(year=1970, month=1, day=1, hour=0)).days
    async with figures.engine.connect() as connection:
        card = await overview.scorecard(connection, NAMES, "sam", today, today, BEGIN)
        before = await overview.scorecard(connection, NAMES, "sam", 0, today - 1, BEGIN)
    assert card.figures["happiness"].value == 100
    [day] = card.trend
    assert day.day == BEGIN.date().isoformat()
    assert day.figures["closed"].count == card.figures["closed"].count == 1
    assert before.trend == []


async def test_headquarters_add_up_and_say_how_late_the_clock_is(figures: Fed) -> None:
    async with figures.engine.connect() as connection:
        page = await overview.headquarters(connection, NAMES, BEGIN + timedelta(minutes=52))
        early = await behind(connection, BEGIN + timedelta(minutes=49))
    assert (page.behind.clock, early.clock) == (120, 0)
    members = page.members["first"]
    assert set(members) == {"sam", ""}
    assert sum(each["total"].count for each in members.values()) == page.teams["first"]["total"].count == 2
    assert page.agents["sam"]["total"].count == 1
    assert page.desk["total"].count == 3


async def test_page_in_the_terminal(figures: Fed, tmp_path: Path) -> None:
    command = ["metrics", "overview", "contact:anna", "--database", figures.url, "--data", str(tmp_path)]
    result = await asyncio.to_thread(lambda: CliRunner().invoke(app, command))
    assert result.exit_code == 0, result.output
    for text in ("67 %", "█", "agent_response", "sam", "good", "10 min 00 s"):
        assert text in result.stdout
    whole = await asyncio.to_thread(lambda: CliRunner().invoke(app, [*command, "--json"]))
    assert json.loads(whole.stdout)["donut"][0]["channel"] == "chat"
    wrong = await asyncio.to_thread(lambda: CliRunner().invoke(app, ["metrics", "overview", "desk", *command[3:]]))
    assert wrong.exit_code == 2


async def test_calendars_are_kept_and_never_changed_silently(stack: Stack) -> None:
    async with fed(stack) as store:
        hours = CalendarSettings(monday=["08:00-12:00"])
        first = Settings(desk=DeskSettings(calendar="nl"), calendars={"nl": hours})
        async with store.engine.begin() as connection:
            kept = await calendar_store.register(connection, first)
            assert (kept.known["nl"][0].valid_from, kept.desk) == (0, "nl")
            assert await calendar_store.register(connection, first) == kept
            changed = hours.model_copy(update={"holidays": ["12-25"]})
            silent = first.model_copy(update={"calendars": {"nl": changed}})
            with pytest.raises(ConfigError, match="version = 2"):
                await calendar_store.register(connection, silent)
            said = first.model_copy(update={"calendars": {"nl": changed.model_copy(update={"version": 2})}})
            versions = (await calendar_store.register(connection, said)).known["nl"]
            assert [each.version for each in versions] == [1, 2]
            assert versions[1].valid_from > 0
            with pytest.raises(ConfigError, match="was followed by 2"):
                await calendar_store.register(connection, first)


@pytest.mark.parametrize(
    ("section", "says"),
    [
        (CalendarSettings(zone="Atlantis"), "Atlantis"),
        (CalendarSettings(monday=["17:00-09:00"]), "backward"),
    ],
)
def test_calendar_that_is_none_is_refused(section: CalendarSettings, says: str) -> None:
    with pytest.raises(ConfigError, match=says):
        configured(Settings(calendars={"standard": section}))
    with pytest.raises(ConfigError, match=r"no \[calendars\.moon\]"):
        configured(Settings(desk=DeskSettings(calendar="moon")))
