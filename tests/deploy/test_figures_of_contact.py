"""What the composition root puts together of desk and figures: `contacts show` with figures, names of agents."""

import asyncio
import json
from pathlib import Path

import pytest
import sqlalchemy as sa
from typer.testing import CliRunner, Result

from deploy.cli import build
from deploy.desk_names import DeskNames
from tests.conftest import Stack
from tests.metrics_worker.histories import Ticket
from tests.metrics_worker.stored import fed
from ticketing.migrate import upgrade

pytestmark = pytest.mark.stack

_PEOPLE = """
    INSERT INTO desk.contacts (id, name, version, created_at)
    VALUES ('anna', 'Anna', 1, now()), ('new', 'Nina', 1, now());
    INSERT INTO desk.agents (id, name, roles, created_at) VALUES ('sam', 'Samira', '{agent}', now());
"""
_RATED = """
    WITH rated AS (
        INSERT INTO desk.ratings (ticket_id, reply_id, agent_id, rating, words, times, first_at, last_at)
        VALUES ('a', 'r1', 'sam', 'good', 'Quick, thanks!', 1, now(), now())
    )
    INSERT INTO desk.ticket_events (id, event_id, ticket_id, version, type, occurred_at, recorded_at, document)
    VALUES (1, :id, 'a', 9, 'ticket.rated', now(), now(), :document)
"""


async def test_contacts_show_draws_its_figures_and_names_agents(stack: Stack, tmp_path: Path) -> None:
    mail = Ticket("a", 1, "anna").mail(0).assigned(1, "sam", "first").answered(10, "sam", "r1").closed(12)
    mail.rated(20, "good", "r1", words=True)
    async with fed(stack) as store:
        upgrade(store.url)
        await store.feed([*mail.events, *Ticket("b", 2, "anna").mail(1, "chat").events])
        async with store.engine.begin() as connection:
            await connection.execute(sa.text(_PEOPLE))
            told = mail.events[-1]
            values = {"id": told.event_id, "document": told.to_json().decode()}
            await connection.execute(sa.text(_RATED), values)

        async def show(contact: str, *more: str) -> Result:
            command = ["contacts", "show", contact, "--database", store.url, "--data", str(tmp_path), *more]
            return await asyncio.to_thread(lambda: CliRunner().invoke(build("contacts"), command))

        shown = await show("anna")
        assert shown.exit_code == 0, shown.output
        for text in (
            "Anna",
            "first_response_time.calendar",
            "10 min 00 s",
            "50 %",
            "█" * 15,
            "Samira",
            "on time",
            "Quick, thanks!",
        ):
            assert text in shown.stdout, text
        overview = json.loads((await show("anna", "--json")).stdout)["overview"]
        assert (overview["key"], overview["figures"]["total"]["value"]) == ("contact:anna", 2)
        assert (await show("new")).exit_code == 0
        assert json.loads((await show("new", "--json")).stdout)["overview"]["figures"]["total"]["value"] == 0

        names = DeskNames(store.engine)
        assert [await names.knows(key) for key in ("contact:new", "agent:sam", "agent:new", "team:x")] == [
            *(True, True),
            *(False, False),
        ]
        assert await names.agents([]) == await names.words([]) == {}
        assert await names.agents(["sam", "who"]) == {"sam": "Samira"}
