"""`deskstream departments` and `deskstream teams`: what agents are members of."""

from datetime import UTC, datetime
from typing import Annotated

import typer

from bus.output import print_one, print_rows
from ticketing.commands_desk import Desk, on_desk
from ticketing.people.commands import given, in_transaction
from ticketing.people.models import DepartmentEdit, NewDepartment, NewTeam, Rating, TeamEdit

departments_app = typer.Typer(help="Whose tickets are whose, and how they are answered.", no_args_is_help=True)
teams_app = typer.Typer(help="Agents to whom tickets are given together.", no_args_is_help=True)

DepartmentArgument = Annotated[str, typer.Argument(help="Its id, as [threading.connectors.NAME] department says.")]
TeamArgument = Annotated[str, typer.Argument(help="Id or name.")]
NameOption = Annotated[str | None, typer.Option("--name", help="As agents and customers read it.")]
FromOption = Annotated[str | None, typer.Option("--from", help="Address that its replies come from; empty: none.")]
FromNameOption = Annotated[str | None, typer.Option("--from-name", help="Name that its replies come from.")]
ViaOption = Annotated[
    str | None, typer.Option("--reply-via", help="Connector whose mail server sends them; empty: the ticket's own.")
]
SignatureOption = Annotated[str | None, typer.Option("--signature", help="Below replies of agents without one.")]
LanguageOption = Annotated[str | None, typer.Option("--language", help="Of replies when the customer's is unknown.")]
RatingOption = Annotated[Rating | None, typer.Option("--rating", help="When customers are asked how it was.")]
MemberOption = Annotated[
    list[str] | None, typer.Option("--member", help="An agent's id; all members, several times for several.")
]
OfOption = Annotated[str | None, typer.Option("--department", help="Its id; empty: of none.")]


@departments_app.command("list")
@on_desk
def list_departments(
    desk: Desk,
) -> None:
    """List all departments."""
    from ticketing.people import directory

    columns = {
        "id": lambda d: d.id,
        "name": lambda d: d.name,
        "from": lambda d: d.from_address,
        "rating": lambda d: d.rating,
        "members": lambda d: len(d.members),
    }
    rows = in_transaction(desk, directory.departments)
    print_rows(rows, columns, as_json=desk.as_json, nothing="There are no departments: all tickets are everybody's.")


@departments_app.command("show")
@on_desk
def show_department(
    desk: Desk,
    department: DepartmentArgument,
) -> None:
    """Show one department."""
    from ticketing.people import directory

    print_one(in_transaction(desk, lambda c: directory.department(c, department)), as_json=desk.as_json)


@departments_app.command("add")
@on_desk
def add_department(
    desk: Desk,
    department: DepartmentArgument,
    name: NameOption = None,
    from_address: FromOption = None,
    from_name: FromNameOption = None,
    reply_via: ViaOption = None,
    signature: SignatureOption = None,
    language: LanguageOption = None,
    rating: RatingOption = None,
    member: MemberOption = None,
) -> None:
    """Add a department. Those that the configuration names are there by themselves."""
    from ticketing.people import directory

    new = given(
        NewDepartment,
        id=department,
        name=name or department,
        from_address=from_address,
        from_name=from_name,
        reply_via=reply_via,
        signature=signature,
        language=language,
        rating=rating,
        members=_ids(member),
    )
    made = in_transaction(desk, lambda c: directory.add_department(c, new, datetime.now(UTC)))
    print_one(made, as_json=desk.as_json)


@departments_app.command("edit")
@on_desk
def edit_department(
    desk: Desk,
    department: DepartmentArgument,
    name: NameOption = None,
    from_address: FromOption = None,
    from_name: FromNameOption = None,
    reply_via: ViaOption = None,
    signature: SignatureOption = None,
    language: LanguageOption = None,
    rating: RatingOption = None,
    member: MemberOption = None,
) -> None:
    """Change a department; what is not named stays. `--member ""` leaves it without members."""
    from ticketing.people import directory

    change = given(
        DepartmentEdit,
        name=name,
        from_address=from_address,
        from_name=from_name,
        reply_via=reply_via,
        signature=signature,
        language=language,
        rating=rating,
        members=_ids(member),
    )
    changed = in_transaction(desk, lambda c: directory.edit_department(c, department, change))
    print_one(changed, as_json=desk.as_json)


@teams_app.command("list")
@on_desk
def list_teams(
    desk: Desk,
) -> None:
    """List all teams."""
    from ticketing.people import directory

    columns = {
        "id": lambda e: e.id,
        "name": lambda e: e.name,
        "department": lambda e: e.department_id,
        "members": lambda e: len(e.members),
    }
    print_rows(in_transaction(desk, directory.teams), columns, as_json=desk.as_json, nothing="No teams.")


@teams_app.command("show")
@on_desk
def show_team(
    desk: Desk,
    team: TeamArgument,
) -> None:
    """Show one team."""
    from ticketing.people import directory

    print_one(in_transaction(desk, lambda c: directory.team(c, team)), as_json=desk.as_json)


@teams_app.command("add")
@on_desk
def add_team(
    desk: Desk,
    name: Annotated[str, typer.Argument(help="Its name.")],
    department: OfOption = None,
    member: MemberOption = None,
) -> None:
    """Add a team."""
    from ticketing.people import directory

    new = given(NewTeam, name=name, department_id=department, members=_ids(member))
    made = in_transaction(desk, lambda c: directory.add_team(c, new, datetime.now(UTC)))
    print_one(made, as_json=desk.as_json)


@teams_app.command("edit")
@on_desk
def edit_team(
    desk: Desk,
    team: TeamArgument,
    name: NameOption = None,
    department: OfOption = None,
    member: MemberOption = None,
) -> None:
    """Change a team; what is not named stays. `--member ""` leaves it without members."""
    from ticketing.people import directory

    change = given(TeamEdit, name=name, department_id=department, members=_ids(member))
    print_one(in_transaction(desk, lambda c: directory.edit_team(c, team, change)), as_json=desk.as_json)


def _ids(named: list[str] | None) -> list[str] | None:
    """None: not named; empty: nobody."""
    return [id_ for id_ in named if id_] if named else None
