"""People over HTTP: made, changed, logged in, and nobody's token reaching further than it did."""

from collections.abc import AsyncIterator

import httpx
import pytest

from tests.ticketing.api.conftest import house
from tests.ticketing.api.house import House, key
from ticketing.api.app import api
from ticketing.people import directory
from ticketing.people.passwords import hashed
from ticketing.people.policy import Role
from ticketing.people.store import transaction
from ticketing.receipts import now_utc

__all__ = ["house"]
pytestmark = pytest.mark.stack
SECRET = "correct horse battery"


def bearing(house: House, token: str) -> httpx.AsyncClient:
    client = house.client(None)
    client.headers["Authorization"] = f"Bearer {token}"
    return client


@pytest.fixture
async def admin(house: House) -> AsyncIterator[httpx.AsyncClient]:
    async with house.client("admin") as client:
        yield client


async def test_an_agent_is_made_once_under_a_key_changed_and_disabled(house: House, admin: httpx.AsyncClient) -> None:
    given = {"name": "Bea", "email": "Bea@desk.example", "departments": ["sales"]}
    same = key()
    made = [await admin.post("/agents", json=given, headers=same) for _ in range(2)]
    assert [each.status_code for each in made] == [201, 201]
    bea = made[0].json()
    assert (made[1].json()["id"], bea["email"], bea["roles"]) == (bea["id"], "bea@desk.example", ["agent"])
    changed = await admin.post(f"/agents/{bea['id']}/update", json={"signature": "Bea"}, headers=key())
    assert (changed.json()["signature"], changed.json()["departments"]) == ("Bea", ["sales"])
    disabled = await admin.post(f"/agents/{bea['id']}/update", json={"disabled": True}, headers=key())
    assert disabled.json()["disabled_at"]
    assert (await admin.get("/agents/nobody")).status_code == 404
    assert bea["id"] in [each["id"] for each in (await admin.get("/agents")).json()["items"]]


@pytest.mark.parametrize(
    "given",
    [
        {"name": "X", "id": "mine"},
        {"name": "X", "password": SECRET},
        {"name": "X", "roles": ["root"]},
        {"name": "X", "roles": []},
        {"name": "X\u0000Y"},
        {"name": "X", "email": "no address"},
        {"name": "X", "departments": ["nowhere"]},
    ],
)
async def test_what_is_not_asked_for_is_not_taken(admin: httpx.AsyncClient, given: dict[str, object]) -> None:
    refused = await admin.post("/agents", json=given, headers=key())
    assert refused.status_code == 422
    assert SECRET not in refused.text


async def test_an_agent_makes_himself_neither_admin_nor_member(house: House) -> None:
    async with house.client("agent") as agent:
        for given in (
            {"roles": ["admin"]},
            {"departments": ["returns"]},
            {"email": "x@y.example"},
            {"disabled": False},
        ):
            assert (await agent.post("/me/update", json=given, headers=key())).status_code == 422
            path = f"/agents/{house.ids[Role.AGENT]}/update"
            assert (await agent.post(path, json=given, headers=key())).status_code == 403
        told = await agent.post("/me/update", json={"notify": ["overdue"], "signature": "Me"}, headers=key())
        assert (told.json()["notify"], told.json()["signature"]) == (["overdue"], "Me")


async def test_a_token_is_shown_once_and_reaches_no_further_than_its_maker(house: House) -> None:
    async with house.client("agent") as agent:
        same = key()
        given = {"name": "look", "scopes": ["see_tickets", "manage_people"]}
        made = await agent.post("/me/tokens", json=given, headers=same)
        assert made.status_code == 201
        again = await agent.post("/me/tokens", json=given, headers=same)
        assert (again.status_code, made.json()["token"] in again.text) == (422, False)
        listed = await agent.get("/me/tokens")
        assert made.json()["token"].split("_", 2)[2] not in listed.text
    async with bearing(house, made.json()["token"]) as narrow:
        me = (await narrow.get("/me")).json()
        assert me["may"] == ["see_tickets"]
        # a token of a limited token is limited as well, whatever is asked for
        for scopes in (None, ["see_tickets", "work_tickets", "see_contacts"]):
            further = await narrow.post("/me/tokens", json={"name": "more", "scopes": scopes}, headers=key())
            async with bearing(house, further.json()["token"]) as narrower:
                assert (await narrower.get("/me")).json()["may"] == ["see_tickets"]
        changed = {"old": SECRET, "password": SECRET + "!"}
        assert (await narrow.post("/me/password", json=changed, headers=key())).status_code == 403
        assert (await narrow.post("/me/logout", headers=key())).status_code == 204
        assert (await narrow.get("/me")).status_code == 401


async def test_no_answer_with_a_token_is_kept(house: House, admin: httpx.AsyncClient) -> None:
    made = await admin.post(f"/agents/{house.ids[Role.AGENT]}/tokens", json={"name": "x"}, headers=key())
    kept = await house.rows("SELECT convert_from(body, 'UTF8') FROM desk.api_answers")
    assert made.json()["token"] not in str(kept)
    revoked = await admin.post(f"/tokens/{made.json()['id']}/revoke", headers=key())
    assert revoked.status_code == 204
    async with bearing(house, made.json()["token"]) as nobody:
        assert (await nobody.get("/me")).status_code == 401
    assert (await admin.post(f"/tokens/{'0' * 16}/revoke", headers=key())).status_code == 404


async def test_logging_in_changing_the_password_and_failing_too_often(house: House) -> None:
    async with transaction(house.engine) as connection:
        agent = await directory.agent(connection, "agent@desk.example")
        await directory.set_password(connection, agent.id, await hashed(SECRET), now_utc())
    mine = {"email": "agent@desk.example", "password": SECRET}
    elsewhere = httpx.ASGITransport(api(house.inside), client=("10.8.8.8", 1))  # other tests fail to log in as well
    async with httpx.AsyncClient(transport=elsewhere, base_url="http://desk.example/api/v1") as nobody:
        session = (await nobody.post("/login", json=mine)).json()["token"]
        async with bearing(house, session) as agent_:
            assert (await agent_.get("/me/profile")).json()["has_password"]
            change = {"old": SECRET, "password": "another horse battery"}
            short = await agent_.post("/me/password", json=change | {"password": "short"}, headers=key())
            assert (short.status_code, "short" in short.text) == (422, False)
            assert (await agent_.post("/me/password", json=change, headers=key())).status_code == 204
            assert (await agent_.get("/me")).status_code == 401
        failed = [await nobody.post("/login", json=mine) for _ in range(6)]
        assert [each.status_code for each in failed] == [*5 * [401], 429]
        assert int(failed[-1].headers["Retry-After"]) > 800
        assert all(SECRET not in each.text for each in failed)


async def test_departments_and_teams(house: House, admin: httpx.AsyncClient) -> None:
    agent = house.ids[Role.AGENT]
    made = await admin.post("/departments", json={"id": "repair", "name": "Repair"}, headers=key())
    assert made.status_code == 201
    assert (await admin.post("/departments", json={"id": "repair", "name": "x"}, headers=key())).status_code == 422
    change = {"from_address": "repair@desk.example", "rating": "at_close", "members": [agent]}
    changed = (await admin.post("/departments/repair/update", json=change, headers=key())).json()
    assert (changed["members"], changed["rating"]) == ([agent], "at_close")
    team = (await admin.post("/teams", json={"name": "Late", "members": [agent]}, headers=key())).json()
    assert (await admin.get(f"/teams/{team['id']}")).json()["members"] == [agent]
    left = await admin.post(f"/teams/{team['id']}/update", json={"members": []}, headers=key())
    assert left.json()["members"] == []
    assert (await admin.get("/departments/none")).status_code == (await admin.get("/teams/none")).status_code == 404
