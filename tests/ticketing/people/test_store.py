"""Tokens, logins and the directory on a real PostgreSQL."""

import asyncio
from datetime import UTC, datetime, timedelta

import pytest
import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncEngine

from bus.errors import Invalid
from ticketing.people import directory, passwords, store
from ticketing.people.first_admin import first_admin
from ticketing.people.models import Agent, AgentEdit, NewAgent, NewDepartment, NewTeam, TeamEdit
from ticketing.people.policy import Permission, Role, Who
from ticketing.people.store import NewToken, TooManyFailures, WrongPassword, give_token, log_in, who_holds

pytestmark = pytest.mark.stack

NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
WEEK = timedelta(days=7)
SECRET = "correct horse battery"


async def made(engine: AsyncEngine, name: str = "Ann", **more: object) -> Agent:
    async with engine.begin() as connection:
        return await directory.add_agent(connection, NewAgent.model_validate({"name": name, **more}), NOW)


async def given(engine: AsyncEngine, agent: Agent, scopes: set[Permission] | None = None) -> NewToken:
    async with engine.begin() as connection:
        return await give_token(connection, agent.id, name="test", lifetime=WEEK, scopes=scopes, now=NOW)


async def holder(engine: AsyncEngine, token: str, after: timedelta = timedelta(0)) -> Who | None:
    async with engine.begin() as connection:
        return await who_holds(connection, token, now=NOW + after)


async def edited(engine: AsyncEngine, agent: Agent, **change: object) -> Agent:
    async with engine.begin() as connection:
        return await directory.edit_agent(connection, agent.id, AgentEdit.model_validate(change), NOW)


async def with_password(engine: AsyncEngine, agent: Agent) -> None:
    async with engine.begin() as connection:
        await directory.set_password(connection, agent.id, await passwords.hashed(SECRET), NOW)


async def logged_in(
    engine: AsyncEngine, password: str, name: str = "ann@desk.example", address: str = "10.0.0.1"
) -> str:
    return (await log_in(engine, name, password, address=address, now=NOW)).token


async def test_a_token_says_who_holds_it(desk_engine: AsyncEngine) -> None:
    async with desk_engine.begin() as connection:
        await directory.add_department(connection, NewDepartment(id="sales", name="Sales"), NOW)
    ann = await made(desk_engine, departments=["sales"])
    token = await given(desk_engine, ann, {Permission.SEE_TICKETS})
    expected = Who(
        ann.id, "Ann", frozenset({Role.AGENT}), frozenset({Permission.SEE_TICKETS}), frozenset({"sales"}), token.id
    )
    assert await holder(desk_engine, token.token) == expected


async def test_an_expired_token_is_nobodys(desk_engine: AsyncEngine) -> None:
    token = (await given(desk_engine, await made(desk_engine))).token
    assert await holder(desk_engine, token, WEEK - timedelta(seconds=1)) is not None
    assert await holder(desk_engine, token, WEEK) is None


async def test_neither_a_revoked_token_nor_one_of_a_disabled_agent_lets_anybody_in(desk_engine: AsyncEngine) -> None:
    ann, bob = await made(desk_engine), await made(desk_engine, "Bob")
    anns, bobs = await given(desk_engine, ann), await given(desk_engine, bob)
    async with desk_engine.begin() as connection:
        with pytest.raises(Invalid):
            await store.revoke(connection, anns.id, of=bob.id)
        await store.revoke(connection, anns.id, of=ann.id)
    await edited(desk_engine, bob, disabled=True)
    assert [await holder(desk_engine, each.token) for each in (anns, bobs)] == [None, None]
    await edited(desk_engine, bob, disabled=False)
    assert await holder(desk_engine, bobs.token) is not None


async def test_what_is_no_token_is_nobodys(desk_engine: AsyncEngine) -> None:
    token = (await given(desk_engine, await made(desk_engine))).token
    altered = token[:-1] + ("A" if token[-1] != "A" else "B")
    for bad in (altered, token + "A", token.upper(), "", "dsk__", "dsk_" + "0" * 16 + "_" + "A" * 43, "a\0b", "é"):
        assert await holder(desk_engine, bad) is None


async def test_only_a_digest_of_a_token_is_kept(desk_engine: AsyncEngine) -> None:
    token = (await given(desk_engine, await made(desk_engine))).token
    async with desk_engine.connect() as connection:
        rows = await connection.execute(sa.text("SELECT k::text FROM desk.api_tokens k"))
        assert token.split("_", 2)[2] not in str(rows.all())


async def test_a_token_under_a_used_key_is_not_made_again(desk_engine: AsyncEngine) -> None:
    ann = await made(desk_engine)
    async with desk_engine.begin() as connection:
        one = await give_token(connection, ann.id, name="x", lifetime=WEEK, id_="0123456789abcdef", now=NOW)
        with pytest.raises(Invalid, match=one.id):
            await give_token(connection, ann.id, name="x", lifetime=WEEK, id_="0123456789abcdef", now=NOW)


async def test_a_password_gives_a_session_for_some_hours(desk_engine: AsyncEngine) -> None:
    ann = await made(desk_engine, email="Ann@Desk.example")
    await with_password(desk_engine, ann)
    token = await logged_in(desk_engine, SECRET, name=" ANN@desk.example")
    assert await holder(desk_engine, token) is not None
    assert await holder(desk_engine, token, store.SESSION) is None
    with pytest.raises(WrongPassword):
        await logged_in(desk_engine, "wrong horse battery")
    with pytest.raises(WrongPassword):
        await logged_in(desk_engine, SECRET, name="nobody@desk.example")


async def test_another_password_ends_sessions_and_disabled_agents_get_none(desk_engine: AsyncEngine) -> None:
    ann = await made(desk_engine, email="ann@desk.example")
    await with_password(desk_engine, ann)
    token = await logged_in(desk_engine, SECRET)
    await with_password(desk_engine, ann)
    assert await holder(desk_engine, token) is None
    await edited(desk_engine, ann, disabled=True)
    with pytest.raises(WrongPassword):
        await logged_in(desk_engine, SECRET)


async def test_after_five_failures_nothing_is_tried_for_a_while_but_others_get_in(desk_engine: AsyncEngine) -> None:
    ann = await made(desk_engine, email="ann@desk.example")
    await with_password(desk_engine, ann)
    tries = [logged_in(desk_engine, "wrong horse battery") for _ in range(8)]
    found = [type(each) for each in await asyncio.gather(*tries, return_exceptions=True)]
    assert sorted(found, key=str) == [*3 * [TooManyFailures], *5 * [WrongPassword]]
    with pytest.raises(TooManyFailures) as told:
        await logged_in(desk_engine, SECRET)
    assert told.value.wait == timedelta(minutes=15)
    assert await logged_in(desk_engine, SECRET, address="10.0.0.2")
    assert (await log_in(desk_engine, "ann@desk.example", SECRET, address="10.0.0.1", now=NOW + told.value.wait)).token


async def test_who_logs_in_has_not_failed(desk_engine: AsyncEngine) -> None:
    ann = await made(desk_engine, email="ann@desk.example")
    await with_password(desk_engine, ann)
    for _ in range(2):
        await logged_in(desk_engine, SECRET)
    async with desk_engine.connect() as connection:
        counts = (await connection.scalars(sa.text("SELECT failures FROM desk.login_failures"))).all()
    assert set(counts) == {0}


async def test_the_first_admin_is_made_once(desk_engine: AsyncEngine) -> None:
    several = await asyncio.gather(*(first_admin(desk_engine, NOW) for _ in range(3)))
    [token] = [each for each in several if each is not None]
    who = await holder(desk_engine, token.token)
    assert who is not None
    assert who.roles == {Role.ADMIN}


async def test_the_last_admin_stays(desk_engine: AsyncEngine) -> None:
    ann = await made(desk_engine, roles=["admin"])
    for change in ({"roles": ["agent"]}, {"disabled": True}):
        with pytest.raises(Invalid, match="last admin"):
            await edited(desk_engine, ann, **change)
    await made(desk_engine, "Bob", roles=["admin"])
    assert (await edited(desk_engine, ann, roles=["agent"])).roles == [Role.AGENT]


async def test_what_is_not_named_stays_and_null_takes_away(desk_engine: AsyncEngine) -> None:
    ann = await made(desk_engine, email="ann@desk.example", language="fr", signature="Ann")
    changed = await edited(desk_engine, ann, signature=None, name="Anna")
    assert (changed.name, changed.email, changed.language, changed.signature) == ("Anna", ann.email, "fr", None)
    with pytest.raises(Invalid, match="name cannot be taken away"):
        await edited(desk_engine, ann, name=None)
    await made(desk_engine, "Bob", email="bob@desk.example")
    with pytest.raises(Invalid, match=r"another agent has the address ann@desk\.example"):
        await made(desk_engine, "Cid", email="ANN@desk.example")


async def test_departments_that_the_configuration_names_are_made_once_and_kept_as_they_are(
    desk_engine: AsyncEngine,
) -> None:
    async with desk_engine.begin() as connection:
        await directory.add_department(connection, NewDepartment(id="sales", name="Sales"), NOW)
        for _ in range(2):
            await directory.ensure_departments(connection, ["", "sales", "returns", "returns"], NOW)
        found = [(each.id, each.name) for each in await directory.departments(connection)]
    assert found == [("returns", "returns"), ("sales", "Sales")]


async def test_members_are_who_is_there(desk_engine: AsyncEngine) -> None:
    ann = await made(desk_engine)
    with pytest.raises(Invalid, match="there is no agent nobody"):
        async with desk_engine.begin() as connection:
            await directory.add_team(connection, NewTeam(name="Night", members=frozenset({"nobody"})), NOW)
    async with desk_engine.begin() as connection:
        team = await directory.add_team(connection, NewTeam(name="Night", members=frozenset({ann.id})), NOW)
        assert (await directory.agent(connection, "Ann")).teams == [team.id]
        with pytest.raises(Invalid, match="there is no department x"):
            await directory.edit_team(connection, team.id, TeamEdit(department_id="x"))
        assert (await directory.edit_team(connection, "Night", TeamEdit(members=frozenset()))).members == []
