"""Agents, departments and teams over HTTP: listed, shown, made and changed, all in one way."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Annotated, Any

from fastapi import APIRouter, Body, Path, Request, Response
from pydantic import BaseModel
from sqlalchemy.ext.asyncio import AsyncConnection

from ticketing.api.inside import Inside
from ticketing.api.once import KeyHeader
from ticketing.api.problems import declared
from ticketing.people import directory
from ticketing.people.answering import FAILING, ID, looking, made_by, once
from ticketing.people.models import (
    Agent,
    AgentEdit,
    AgentList,
    Department,
    DepartmentEdit,
    DepartmentList,
    NewAgent,
    NewDepartment,
    NewTeam,
    Team,
    TeamEdit,
    TeamList,
)
from ticketing.people.policy import Permission, Who
from ticketing.receipts import now_utc


@dataclass(frozen=True, slots=True)
class Kind:
    """What stands in the directory: its models, what is done with it, and what the contract says of that.

    `add` is given the cause of what it makes, `change` what the path names.
    """

    name: str
    one: type[BaseModel]
    several: type[BaseModel]
    new: type[BaseModel]
    edit: type[BaseModel]
    all: Callable[[AsyncConnection], Awaitable[Sequence[BaseModel]]]
    show: Callable[[AsyncConnection, str], Awaitable[BaseModel]]
    add: Callable[[AsyncConnection, Any, str], Awaitable[BaseModel]]
    change: Callable[[AsyncConnection, str, Any], Awaitable[BaseModel]]
    listed: str
    made: str
    changed: str


KINDS = (
    Kind(
        *("agent", Agent, AgentList, NewAgent, AgentEdit, directory.agents, directory.agent),
        add=lambda c, new, cause: directory.add_agent(c, new, now_utc(), id_=made_by(cause)[:32]),
        change=lambda c, key, edit: directory.edit_agent(c, key, edit, now_utc()),
        listed="Everybody, also those who are disabled: what they did names them.",
        made="Make an agent.",
        changed="Change an agent, disable him, let him in again. What is not named stays.",
    ),
    Kind(
        *("department", Department, DepartmentList, NewDepartment, DepartmentEdit),
        *(directory.departments, directory.department),
        add=lambda c, new, _: directory.add_department(c, new, now_utc()),
        change=directory.edit_department,
        listed="All departments.",
        made="Make a department; its id is what the configuration of connectors calls it.",
        changed="Change a department. What is not named stays.",
    ),
    Kind(
        *("team", Team, TeamList, NewTeam, TeamEdit, directory.teams, directory.team),
        add=lambda c, new, cause: directory.add_team(c, new, now_utc(), id_=made_by(cause)[:32]),
        change=directory.edit_team,
        listed="All teams.",
        made="Make a team.",
        changed="Change a team. What is not named stays.",
    ),
)


def directory_routes(inside: Inside) -> APIRouter:
    """Mounted under `/api/v1`."""
    router = APIRouter(tags=["people"])
    for kind in KINDS:
        _add(router, inside, kind)
    return router


def _add(router: APIRouter, inside: Inside, kind: Kind) -> None:
    Seeing = Annotated[Who, inside.access.needs(Permission.SEE_PEOPLE)]  # noqa: N806  # a type
    Managing = Annotated[Who, inside.access.needs(Permission.MANAGE_PEOPLE)]  # noqa: N806  # a type
    Named = Annotated[str, Path(alias=kind.name, pattern=ID)]  # noqa: N806  # a type
    new, edit = Annotated[kind.new, Body()], Annotated[kind.edit, Body()]
    every, one = f"/{kind.name}s", f"/{kind.name}s/{{{kind.name}}}"

    @router.get(every, name=f"list_{kind.name}s", description=kind.listed, response_model=kind.several)
    async def list_(who: Seeing) -> BaseModel:  # noqa: ARG001  # who may
        async with inside.look() as connection:
            return kind.several(items=await kind.all(connection))

    @router.get(
        one,
        name=f"show_{kind.name}",
        description=f"One {kind.name}.",
        response_model=kind.one,
        responses=declared("unknown"),
    )
    async def show(who: Seeing, named: Named) -> BaseModel:  # noqa: ARG001  # who may
        async with looking(inside) as connection:
            return await kind.show(connection, named)

    @router.post(
        every,
        name=f"create_{kind.name}",
        description=kind.made,
        response_model=kind.one,
        status_code=201,
        responses=declared("malformed", "busy"),
    )
    async def create(request: Request, who: Managing, key: KeyHeader, given: new) -> Response:  # type: ignore[valid-type]
        return await once(inside, request, who, key, lambda c, cause: kind.add(c, given, cause), status=201)

    @router.post(
        f"{one}/update",
        name=f"update_{kind.name}",
        description=kind.changed,
        response_model=kind.one,
        responses=declared(*FAILING),
    )
    async def update(request: Request, who: Managing, named: Named, key: KeyHeader, given: edit) -> Response:  # type: ignore[valid-type]
        return await once(inside, request, who, key, lambda c, _: kind.change(c, named, given))
