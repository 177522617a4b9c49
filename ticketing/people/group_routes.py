"""Departments and teams over HTTP."""

from typing import Annotated

from fastapi import APIRouter, Request, Response
from sqlalchemy.ext.asyncio import AsyncConnection

from ticketing.api.inside import Inside
from ticketing.api.once import KeyHeader
from ticketing.api.problems import declared
from ticketing.people import directory
from ticketing.people.answering import FAILING, IdPath, looking, made_by, once
from ticketing.people.models import (
    Department,
    DepartmentEdit,
    DepartmentList,
    NewDepartment,
    NewTeam,
    Team,
    TeamEdit,
    TeamList,
)
from ticketing.people.policy import Permission, Who
from ticketing.receipts import now_utc


def department_routes(inside: Inside) -> APIRouter:
    """Mounted under `/api/v1`."""
    router = APIRouter(tags=["people"])
    Seeing = Annotated[Who, inside.access.needs(Permission.SEE_PEOPLE)]  # noqa: N806  # a type
    Managing = Annotated[Who, inside.access.needs(Permission.MANAGE_PEOPLE)]  # noqa: N806  # a type

    @router.get("/departments")
    async def list_departments(who: Seeing) -> DepartmentList:  # noqa: ARG001  # who may
        """All departments."""
        async with inside.look() as connection:
            return DepartmentList(items=await directory.departments(connection))

    @router.get("/departments/{department}", responses=declared("unknown"))
    async def show_department(who: Seeing, department: IdPath) -> Department:  # noqa: ARG001  # who may
        """One department."""
        async with looking(inside) as connection:
            return await directory.department(connection, department)

    @router.post("/departments", status_code=201, response_model=Department, responses=declared("malformed", "busy"))
    async def create_department(request: Request, who: Managing, key: KeyHeader, given: NewDepartment) -> Response:
        """Make a department; its id is what the configuration of connectors calls it."""
        return await once(
            inside, request, who, key, lambda c, _: directory.add_department(c, given, now_utc()), status=201
        )

    @router.post("/departments/{department}/update", response_model=Department, responses=declared(*FAILING))
    async def update_department(
        request: Request, who: Managing, department: IdPath, key: KeyHeader, given: DepartmentEdit
    ) -> Response:
        """Change a department. What is not named stays."""
        return await once(inside, request, who, key, lambda c, _: directory.edit_department(c, department, given))

    return router


def team_routes(inside: Inside) -> APIRouter:
    """Mounted under `/api/v1`."""
    router = APIRouter(tags=["people"])
    Seeing = Annotated[Who, inside.access.needs(Permission.SEE_PEOPLE)]  # noqa: N806  # a type
    Managing = Annotated[Who, inside.access.needs(Permission.MANAGE_PEOPLE)]  # noqa: N806  # a type

    @router.get("/teams")
    async def list_teams(who: Seeing) -> TeamList:  # noqa: ARG001  # who may
        """All teams."""
        async with inside.look() as connection:
            return TeamList(items=await directory.teams(connection))

    @router.get("/teams/{team}", responses=declared("unknown"))
    async def show_team(who: Seeing, team: IdPath) -> Team:  # noqa: ARG001  # who may
        """One team."""
        async with looking(inside) as connection:
            return await directory.team(connection, team)

    @router.post("/teams", status_code=201, response_model=Team, responses=declared("malformed", "busy"))
    async def create_team(request: Request, who: Managing, key: KeyHeader, given: NewTeam) -> Response:
        """Make a team."""

        async def make(connection: AsyncConnection, cause: str) -> Team:
            return await directory.add_team(connection, given, now_utc(), id_=made_by(cause)[:32])

        return await once(inside, request, who, key, make, status=201)

    @router.post("/teams/{team}/update", response_model=Team, responses=declared(*FAILING))
    async def update_team(request: Request, who: Managing, team: IdPath, key: KeyHeader, given: TeamEdit) -> Response:
        """Change a team. What is not named stays."""
        return await once(inside, request, who, key, lambda c, _: directory.edit_team(c, team, given))

    return router
