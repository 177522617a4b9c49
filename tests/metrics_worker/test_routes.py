"""The figures over HTTP: pages, numbers, why, trends."""

from collections.abc import AsyncIterator, Collection, Mapping
from datetime import timedelta

import httpx
import pytest
import pytest_asyncio
from fastapi import FastAPI, HTTPException
from sqlalchemy.ext.asyncio import create_async_engine

from metrics_worker.asking import Asking
from metrics_worker.behind import looked
from metrics_worker.figures import EVERY
from metrics_worker.live import Watching
from metrics_worker.routes import router
from metrics_worker.service import NAMES
from tests.conftest import Stack
from tests.metrics_worker.histories import BEGIN, Contact, Ticket
from tests.metrics_worker.stored import Fed, fed

pytestmark = pytest.mark.stack
NOW = BEGIN + timedelta(minutes=52)
DAY = BEGIN.date().isoformat()


class Desk:
    """A desk that knows Sam, what was written beside a rating, and a contact without figures."""

    async def knows(self, key: str) -> bool:
        return key == "contact:new"

    async def agents(self, ids: Collection[str]) -> Mapping[str, str]:
        return {"sam": "Samira"} if "sam" in ids else {}

    async def words(self, event_ids: Collection[str]) -> Mapping[str, str]:
        return dict.fromkeys(event_ids, "quick!")


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def figures(stack: Stack) -> AsyncIterator[Fed]:
    one = Ticket("a", 1, "anna", "acme").mail(0).assigned(1, "sam", "first").answered(10, "sam", "r1").closed(12)
    one.rated(20, "good", "r1", words=True)
    two = Ticket("b", 2, "bob", "acme").mail(5, "chat").assigned(6, None, "first").due(6, 50)
    three = Ticket("c", 3, "bob", "acme").mail(8, "chat").mail(9).merged(11, "b")
    people = Contact("bob").add("contact.created", account_id="acme").add("contact.merged", 9, into="anna")
    people.add("contact.feedback_received", 10, channel="web_form", message_id="f1")
    people.add("contact.feedback_received", 10, channel="web_form", message_id="f2")
    async with fed(stack) as store:
        await store.feed([*one.events, *two.events, *three.events], people.events)
        async with store.engine.begin() as connection:
            await looked(connection, NOW - timedelta(seconds=1), 7)
        yield store


def app(figures: Fed, *, allowed: bool = True) -> FastAPI:
    async def see_figures() -> None:
        if not allowed:
            raise HTTPException(403, "not yours")

    asking = Asking(figures.engine, NAMES, "standard", Desk(), clock=lambda: NOW)
    made = FastAPI()
    made.include_router(router(asking, Watching(figures.engine), see_figures), prefix="/api/v1")
    return made


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def http(figures: Fed) -> AsyncIterator[httpx.AsyncClient]:
    transport = httpx.ASGITransport(app(figures))
    async with httpx.AsyncClient(transport=transport, base_url="http://desk/api/v1") as client:
        yield client


async def test_contacts_page(http: httpx.AsyncClient) -> None:
    page = (await http.get("/contacts/anna/overview")).json()
    assert page["contacts"] == ["anna", "bob"]
    assert page["figures"]["total"]["value"] == 2
    assert [(each["channel"], each["percent"]) for each in page["donut"]] == [("chat", 50), ("email", 50)]
    assert page["behind"] == {"clock": 120.0, "unread": 7, "looked": 1.0}
    answer = next(each for each in page["activity"] if each["kind"] == "agent_response")
    assert (answer["agent_id"], answer["agent_name"], answer["status"]) == ("sam", "Samira", "closed")
    assert answer["link"] == "/api/v1/tickets/1"
    [rating] = page["ratings"]
    assert (rating["rating"], rating["agent_name"], rating["words"]) == ("good", "Samira", "quick!")
    short = (await http.get("/contacts/anna/overview", params={"limit": 1})).json()
    assert short["activity"] == page["activity"][:1]


async def test_accounts_agents_and_the_teams_page(http: httpx.AsyncClient) -> None:
    account = (await http.get("/accounts/acme/overview")).json()
    card = (await http.get("/agents/sam/scorecard", params={"first": DAY, "last": DAY})).json()
    team = (await http.get("/team/headquarters")).json()
    assert (account["key"], account["figures"]["total"]["value"]) == ("account:acme", 2)
    assert (card["agent_name"], card["figures"]["happiness"]["value"]) == ("Samira", 100)
    assert [day["day"] for day in card["trend"]] == [DAY]
    members = team["members"]["first"].values()
    assert sum(each["total"]["count"] for each in members) == team["teams"]["first"]["total"]["count"] == 2
    assert team["names"] == {"sam": "Samira"}
    assert team["behind"]["clock"] == 120


async def test_page_of_whom_the_desk_knows_without_figures(http: httpx.AsyncClient) -> None:
    page = (await http.get("/contacts/new/overview")).json()
    assert (page["revision"], page["as_of"], page["figures"]["total"]["value"]) == (0, None, 0)


@pytest.mark.parametrize(
    "path",
    [
        "/contacts/nobody/overview",
        "/contacts/nobody/overview/live",
        "/accounts/nobody/overview",
        "/agents/nobody/scorecard",
        "/figures/contact:nobody",
        "/figures/contact:nobody/trend",
        "/figures/contact:nobody/total/why",
        "/figures/desk/happyness/why",
    ],
)
async def test_what_nobody_knows_is_404(http: httpx.AsyncClient, path: str) -> None:
    assert (await http.get(path)).status_code == 404


@pytest.mark.parametrize(
    "path",
    [
        "/figures/team:first%1Fagent:sam",  # a cell is nobody's business
        "/figures/other:x",
        "/contacts/a%00b/overview",
        "/contacts/anna/overview?limit=0",
        "/figures/desk/trend?first=2026-03-02&last=2026-03-01",
        "/figures/desk/trend?first=1990-03-02&last=2026-03-01",
        "/figures/desk/trend?last=0001-01-01",
        "/figures/desk/total/why?after=a%00",
    ],
)
async def test_what_cannot_be_asked_is_422(http: httpx.AsyncClient, path: str) -> None:
    assert (await http.get(path)).status_code == 422


async def test_numbers_come_with_what_they_count(http: httpx.AsyncClient) -> None:
    shown = (await http.get("/figures/desk")).json()
    known = (await http.get("/figures")).json()["definitions"]
    assert set(EVERY) <= set(shown["figures"])
    assert shown["as_of"]["offsets"]
    for figure in shown["figures"].values():
        definition = shown["definitions"][figure["definition"]]
        assert definition == known[figure["definition"]]
        assert set(definition["name"]) == {"en", "fr", "nl", "pt", "ja"}


@pytest.mark.parametrize("key", ["contact:anna", "contact:bob", "account:acme", "agent:sam", "team:first", "desk"])
@pytest.mark.parametrize("limit", [1, 100])
async def test_why_adds_up_over_all_pages(http: httpx.AsyncClient, key: str, limit: int) -> None:
    figures = (await http.get(f"/figures/{key}")).json()["figures"]
    for figure, shown in figures.items():
        shares, after, pages = [], "", 0
        while after is not None:
            page = (await http.get(f"/figures/{key}/{figure}/why", params={"limit": limit, "after": after})).json()
            shares += page["shares"]
            after, pages = page["next"], pages + 1
            assert page["definition"] == shown["definition"]
        assert sum(share["n"] for share in shares) == shown["count"], figure
        assert sum(share["sum"] for share in shares) == shown["sum"], figure
        assert limit == 100 or pages > len({share["ticket_id"] for share in shares})


@pytest.mark.parametrize("key", ["contact:bob", "account:acme", "agent:sam", "team:first", "desk"])
async def test_days_add_up_to_the_figures(http: httpx.AsyncClient, key: str) -> None:
    figures = (await http.get(f"/figures/{key}")).json()["figures"]
    trend = (await http.get(f"/figures/{key}/trend")).json()
    assert (trend["first"], trend["last"]) == ((NOW - timedelta(days=29)).date().isoformat(), DAY)
    for name, shown in figures.items():
        days = [day["figures"][name] for day in trend["days"] if name in day["figures"]]
        assert sum(each["count"] for each in days) == shown["count"], name
        assert sum(each["sum"] for each in days) == shown["sum"], name
    before = await http.get(f"/figures/{key}/trend", params={"first": "2026-01-01", "last": "2026-01-31"})
    assert before.json()["days"] == []


async def test_nothing_is_shown_to_whom_the_desk_does_not_let_in(figures: Fed) -> None:
    closed = app(figures, allowed=False)
    transport = httpx.ASGITransport(closed)
    async with httpx.AsyncClient(transport=transport, base_url="http://desk") as client:
        for path in closed.openapi()["paths"]:
            assert await client.get(path.format(contact="anna", account="acme", agent="sam", key="desk", figure="x"))
            answer = await client.get(
                path.format(contact="anna", account="acme", agent="sam", key="desk", figure="total")
            )
            assert answer.status_code == 403, path


async def test_database_without_figures_is_503(stack: Stack) -> None:
    engine = create_async_engine(stack.new_database())
    made = FastAPI()
    made.include_router(router(Asking(engine, NAMES, "standard"), Watching(engine), lambda: None))
    async with httpx.AsyncClient(transport=httpx.ASGITransport(made), base_url="http://desk") as client:
        answer = await client.get("/figures/desk")
    await engine.dispose()
    assert answer.status_code == 503
    assert "db upgrade" in answer.json()["detail"]
