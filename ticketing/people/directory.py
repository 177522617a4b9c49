"""Agents, departments and teams in the database: looked up, made, changed. Whoever calls commits."""

from collections.abc import Collection, Iterable, Sequence
from datetime import datetime
from typing import Any
from uuid import uuid4

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncConnection

from bus.errors import Invalid
from ticketing.people import tables as t
from ticketing.people.models import (
    Agent,
    AgentEdit,
    Department,
    DepartmentEdit,
    NewAgent,
    NewDepartment,
    NewTeam,
    ProfileEdit,
    Team,
    TeamEdit,
)
from ticketing.people.policy import Role

_PEOPLE_LOCK = 0x70656F70
"""Advisory lock of a transaction: whoever changes people. Few do, and rules over several rows stay simple."""

_LOCK = sa.text("SELECT pg_advisory_xact_lock(:lock)")
_AGENTS = """
SELECT a.*, p.agent_id IS NOT NULL AS has_password,
       ARRAY(SELECT department_id FROM desk.department_members m WHERE m.agent_id = a.id ORDER BY 1) AS departments,
       ARRAY(SELECT team_id FROM desk.team_members m WHERE m.agent_id = a.id ORDER BY 1) AS teams
  FROM desk.agents a LEFT JOIN desk.passwords p ON p.agent_id = a.id
"""
_DEPARTMENTS = """
SELECT d.*, ARRAY(SELECT agent_id FROM desk.department_members m WHERE m.department_id = d.id ORDER BY 1) AS members
  FROM desk.departments d
"""
_TEAMS = """
SELECT e.*, ARRAY(SELECT agent_id FROM desk.team_members m WHERE m.team_id = e.id ORDER BY 1) AS members
  FROM desk.teams e
"""
_ALL_AGENTS = sa.text(_AGENTS + "ORDER BY a.name, a.id")
_AN_AGENT = sa.text(_AGENTS + "WHERE a.id = :key OR a.email = lower(:key) OR a.name = :key ORDER BY a.id <> :key, a.id")
_ALL_DEPARTMENTS = sa.text(_DEPARTMENTS + "ORDER BY d.id")
_A_DEPARTMENT = sa.text(_DEPARTMENTS + "WHERE d.id = :key")
_ALL_TEAMS = sa.text(_TEAMS + "ORDER BY e.name, e.id")
_A_TEAM = sa.text(_TEAMS + "WHERE e.id = :key OR e.name = :key ORDER BY e.id <> :key, e.id")
_ADMINS = sa.text("SELECT count(*) FROM desk.agents WHERE disabled_at IS NULL AND 'admin' = ANY(roles)")
_END_SESSIONS = sa.text("DELETE FROM desk.api_tokens WHERE agent_id = :agent AND kind = 'session'")


async def agents(connection: AsyncConnection) -> list[Agent]:
    """All, also those who are disabled: what they did still names them."""
    return [Agent.model_validate(row) for row in (await connection.execute(_ALL_AGENTS)).mappings()]


async def agent(connection: AsyncConnection, key: str) -> Agent:
    """By id, mail address or name. Raises Invalid when there is none, or several have the name."""
    rows = (await connection.execute(_AN_AGENT, {"key": key})).mappings().all()
    return Agent.model_validate(_the_one(rows, key, "agent"))


async def departments(connection: AsyncConnection) -> list[Department]:
    """All departments."""
    return [Department.model_validate(row) for row in (await connection.execute(_ALL_DEPARTMENTS)).mappings()]


async def department(connection: AsyncConnection, key: str) -> Department:
    """By id. Raises Invalid."""
    rows = (await connection.execute(_A_DEPARTMENT, {"key": key})).mappings().all()
    return Department.model_validate(_the_one(rows, key, "department"))


async def teams(connection: AsyncConnection) -> list[Team]:
    """All teams."""
    return [Team.model_validate(row) for row in (await connection.execute(_ALL_TEAMS)).mappings()]


async def team(connection: AsyncConnection, key: str) -> Team:
    """By id or name. Raises Invalid."""
    rows = (await connection.execute(_A_TEAM, {"key": key})).mappings().all()
    return Team.model_validate(_the_one(rows, key, "team"))


async def add_agent(connection: AsyncConnection, new: NewAgent, now: datetime, *, id_: str | None = None) -> Agent:
    """Make an agent. `id_`: the same makes the same agent, once. Raises Invalid."""
    await connection.execute(_LOCK, {"lock": _PEOPLE_LOCK})
    made = id_ or uuid4().hex
    if await _there(connection, t.agents.c.id, made):
        return await agent(connection, made)
    await _address_is_free(connection, new.email, made)
    row = new.model_dump(exclude={"departments", "teams"}) | {"roles": sorted(new.roles)}
    await connection.execute(t.agents.insert().values(**row, id=made, created_at=now))
    await _belong(connection, t.department_members, {"agent_id": made}, "department_id", new.departments)
    await _belong(connection, t.team_members, {"agent_id": made}, "team_id", new.teams)
    return await agent(connection, made)


async def edit_agent(connection: AsyncConnection, key: str, edit: ProfileEdit, now: datetime) -> Agent:
    """Change what is given. Raises Invalid, also when no admin would be left."""
    await connection.execute(_LOCK, {"lock": _PEOPLE_LOCK})
    before = await agent(connection, key)
    given = {name: getattr(edit, name) for name in edit.model_fields_set}
    if isinstance(edit, AgentEdit):
        await _address_is_free(connection, given.get("email"), before.id)
        for table, other in ((t.department_members, "departments"), (t.team_members, "teams")):
            if (ids := given.pop(other, None)) is not None:
                await _belong(connection, table, {"agent_id": before.id}, f"{other[:-1]}_id", ids)
        if (disabled := given.pop("disabled", None)) is not None:
            given["disabled_at"] = (before.disabled_at or now) if disabled else None
    given = {name: sorted(value) if isinstance(value, frozenset) else value for name, value in given.items()}
    await _change(connection, t.agents, before.id, given, required={"name", "roles"})
    if given.get("disabled_at"):
        await connection.execute(_END_SESSIONS, {"agent": before.id})
    if Role.ADMIN in before.roles and before.disabled_at is None and not await connection.scalar(_ADMINS):
        raise Invalid("this is the last admin: nobody could manage people any more")
    return await agent(connection, before.id)


async def set_password(connection: AsyncConnection, agent_id: str, hashed: str, now: datetime) -> None:
    """Keep the hash of a new password; sessions that a former one gave are over."""
    row = {"agent_id": agent_id, "hash": hashed, "set_at": now}
    statement = insert(t.passwords).values(row)
    await connection.execute(statement.on_conflict_do_update(index_elements=["agent_id"], set_=row))
    await connection.execute(_END_SESSIONS, {"agent": agent_id})


async def add_department(connection: AsyncConnection, new: NewDepartment, now: datetime) -> Department:
    """Make a department. Raises Invalid when there is one with this id."""
    await connection.execute(_LOCK, {"lock": _PEOPLE_LOCK})
    if await _there(connection, t.departments.c.id, new.id):
        raise Invalid(f"there is a department {new.id} already")
    await connection.execute(t.departments.insert().values(**new.model_dump(exclude={"members"}), created_at=now))
    await _belong(connection, t.department_members, {"department_id": new.id}, "agent_id", new.members)
    return await department(connection, new.id)


async def ensure_departments(connection: AsyncConnection, ids: Iterable[str], now: datetime) -> None:
    """Make those that the configuration names and that are not there yet."""
    wanted = [{"id": id_, "name": id_, "created_at": now} for id_ in sorted(set(ids)) if id_]
    if wanted:
        await connection.execute(insert(t.departments).values(wanted).on_conflict_do_nothing())


async def edit_department(connection: AsyncConnection, key: str, edit: DepartmentEdit) -> Department:
    """Change what is given. Raises Invalid."""
    await connection.execute(_LOCK, {"lock": _PEOPLE_LOCK})
    found = await department(connection, key)
    given = {name: getattr(edit, name) for name in edit.model_fields_set}
    if (members := given.pop("members", None)) is not None:
        await _belong(connection, t.department_members, {"department_id": found.id}, "agent_id", members)
    await _change(connection, t.departments, found.id, given, required={"name", "rating"})
    return await department(connection, found.id)


async def add_team(connection: AsyncConnection, new: NewTeam, now: datetime, *, id_: str | None = None) -> Team:
    """Make a team. `id_`: the same makes the same team, once. Raises Invalid."""
    await connection.execute(_LOCK, {"lock": _PEOPLE_LOCK})
    made = id_ or uuid4().hex
    if await _there(connection, t.teams.c.id, made):
        return await team(connection, made)
    await _fits(connection, new, made)
    await connection.execute(t.teams.insert().values(**new.model_dump(exclude={"members"}), id=made, created_at=now))
    await _belong(connection, t.team_members, {"team_id": made}, "agent_id", new.members)
    return await team(connection, made)


async def edit_team(connection: AsyncConnection, key: str, edit: TeamEdit) -> Team:
    """Change what is given. Raises Invalid."""
    await connection.execute(_LOCK, {"lock": _PEOPLE_LOCK})
    found = await team(connection, key)
    await _fits(connection, edit, found.id)
    given = {name: getattr(edit, name) for name in edit.model_fields_set}
    if (members := given.pop("members", None)) is not None:
        await _belong(connection, t.team_members, {"team_id": found.id}, "agent_id", members)
    await _change(connection, t.teams, found.id, given, required={"name"})
    return await team(connection, found.id)


class NoSuch(Invalid):
    """Nobody and nothing is called so."""


def _the_one(rows: Sequence[sa.RowMapping], key: str, what: str) -> sa.RowMapping:
    if not rows:
        raise NoSuch(f"there is no {what} {key}; `deskstream {what}s list` shows all")
    if len(rows) > 1 and rows[0]["id"] != key:
        raise Invalid(f"{key} is {len(rows)} {what}s: {', '.join(row['id'] for row in rows)}; give one of these ids")
    return rows[0]


async def _there(connection: AsyncConnection, column: sa.Column[Any], value: object) -> bool:
    return (await connection.execute(sa.select(column).where(column == value))).first() is not None


async def _address_is_free(connection: AsyncConnection, email: str | None, agent_id: str) -> None:
    other = sa.select(t.agents.c.id).where(t.agents.c.email == email, t.agents.c.id != agent_id)
    if email is not None and (await connection.execute(other)).first() is not None:
        raise Invalid(f"another agent has the address {email}")


async def _fits(connection: AsyncConnection, edit: TeamEdit, team_id: str) -> None:
    other = sa.select(t.teams.c.id).where(t.teams.c.name == edit.name, t.teams.c.id != team_id)
    if edit.name is not None and (await connection.execute(other)).first() is not None:
        raise Invalid(f"another team is called {edit.name}")
    if edit.department_id is not None and not await _there(connection, t.departments.c.id, edit.department_id):
        raise Invalid(f"there is no department {edit.department_id}")


async def _belong(
    connection: AsyncConnection, table: sa.Table, one: dict[str, str], other: str, ids: Collection[str]
) -> None:
    """From now on these, and no others, belong to `one`."""
    [(mine, value)] = one.items()
    column = table.c[other]
    [key] = column.foreign_keys
    known = set((await connection.scalars(sa.select(key.column).where(key.column.in_(ids)))).all()) if ids else set()
    if missing := sorted(set(ids) - known):
        raise Invalid(f"there is no {other.removesuffix('_id')} {missing[0]}")
    await connection.execute(table.delete().where(table.c[mine] == value, column.not_in(ids)))
    if ids:
        rows = [{mine: value, other: id_} for id_ in sorted(ids)]
        await connection.execute(insert(table).values(rows).on_conflict_do_nothing())


async def _change(
    connection: AsyncConnection, table: sa.Table, id_: str, given: dict[str, Any], *, required: Collection[str]
) -> None:
    if empty := sorted(name for name in required if name in given and given[name] is None):
        raise Invalid(f"{empty[0]} cannot be taken away")
    if given:
        await connection.execute(table.update().where(table.c.id == id_).values(**given))
