"""`deskstream agents`: who works here, and by what they prove it."""

import sys
from datetime import UTC, datetime, timedelta
from typing import Annotated

import typer
from sqlalchemy.ext.asyncio import AsyncConnection

from bus.output import console, print_one, print_rows
from ticketing.commands_desk import Desk, on_desk
from ticketing.people.commands import AgentArgument, given, in_transaction
from ticketing.people.models import Agent, AgentEdit, NewAgent, NewTokenGiven, Token
from ticketing.people.policy import Permission, Role

agents_app = typer.Typer(help="Who works the tickets: people and programs.", no_args_is_help=True)

_EMPTY = "; empty takes it away"
EmailOption = Annotated[str | None, typer.Option("--email", help="To log in with and to be notified at.")]
RoleOption = Annotated[list[Role] | None, typer.Option("--role", help="May be given several times [default: agent].")]
DepartmentOption = Annotated[list[str] | None, typer.Option("--department", help="Its id; several times for several.")]
TeamOption = Annotated[list[str] | None, typer.Option("--team", help="Its id; several times for several.")]
SignatureOption = Annotated[str | None, typer.Option("--signature", help="Below this agent's replies.")]
LanguageOption = Annotated[str | None, typer.Option("--language", help="en, fr, nl, pt, ja …")]
ScopeOption = Annotated[
    list[Permission] | None, typer.Option("--scope", help="Only this, of all its agent may; several times for several.")
]


@agents_app.command("list")
@on_desk
def list_(
    desk: Desk,
) -> None:
    """List everybody, also those who are disabled."""
    from ticketing.people import directory

    columns = {
        "id": lambda a: a.id,
        "name": lambda a: a.name,
        "email": lambda a: a.email,
        "roles": lambda a: ", ".join(a.roles),
        "departments": lambda a: ", ".join(a.departments),
        "disabled": lambda a: a.disabled_at and f"{a.disabled_at:%Y-%m-%d}",
    }
    rows = in_transaction(desk, directory.agents)
    print_rows(rows, columns, as_json=desk.as_json, nothing="Nobody works here yet.")


@agents_app.command("show")
@on_desk
def show(
    desk: Desk,
    agent: AgentArgument,
) -> None:
    """Show one agent."""
    from ticketing.people import directory

    print_one(in_transaction(desk, lambda c: directory.agent(c, agent)), as_json=desk.as_json)


@agents_app.command("add")
@on_desk
def add(
    desk: Desk,
    name: Annotated[str, typer.Argument(help="As customers and colleagues read it.")],
    email: EmailOption = None,
    role: RoleOption = None,
    department: DepartmentOption = None,
    team: TeamOption = None,
    language: LanguageOption = None,
    signature: SignatureOption = None,
) -> None:
    """Add an agent. `agents token` and `agents password` give the means to work."""
    from ticketing.people import directory

    lists = {"roles": role, "departments": department, "teams": team}
    new = given(
        NewAgent,
        name=name,
        email=email,
        language=language,
        signature=signature,
        **{key: values for key, values in lists.items() if values},
    )
    made = in_transaction(desk, lambda c: directory.add_agent(c, new, datetime.now(UTC)))
    print_one(made, as_json=desk.as_json)


@agents_app.command("edit")
@on_desk
def edit(
    desk: Desk,
    agent: AgentArgument,
    name: Annotated[str | None, typer.Option("--name", help="Another name.")] = None,
    email: EmailOption = None,
    role: Annotated[list[Role] | None, typer.Option("--role", help="All roles from now on.")] = None,
    department: Annotated[list[str] | None, typer.Option("--department", help="All departments from now on.")] = None,
    team: Annotated[list[str] | None, typer.Option("--team", help="All teams from now on.")] = None,
    language: Annotated[str | None, typer.Option("--language", help=f"en, fr, nl, pt, ja …{_EMPTY}.")] = None,
    signature: Annotated[str | None, typer.Option("--signature", help=f"Below this agent's replies{_EMPTY}.")] = None,
) -> None:
    """Change an agent; what is not named stays. `--department ""` and `--team ""` leave all."""
    lists = {"roles": role, "departments": department, "teams": team}
    asked = given(
        AgentEdit,
        name=name,
        email=email,
        language=language,
        signature=signature,
        **{key: [each for each in values if each] for key, values in lists.items() if values},
    )
    _edited(desk, agent, asked)


@agents_app.command("disable")
@on_desk
def disable(
    desk: Desk,
    agent: AgentArgument,
) -> None:
    """Let an agent in no more; sessions end, tokens hold no longer. What was done keeps its name."""
    _edited(desk, agent, AgentEdit(disabled=True))


@agents_app.command("enable")
@on_desk
def enable(
    desk: Desk,
    agent: AgentArgument,
) -> None:
    """Let an agent in again."""
    _edited(desk, agent, AgentEdit(disabled=False))


@agents_app.command("password")
@on_desk
def password(
    desk: Desk,
    agent: AgentArgument,
    stdin: Annotated[bool, typer.Option("--stdin", help="Read it from standard input instead of asking.")] = False,
) -> None:
    """Set an agent's password; it is never taken from the command line, where others could read it."""
    from ticketing.people import directory, passwords

    secret = sys.stdin.readline().rstrip("\r\n") if stdin else typer.prompt("Password", hide_input=True)
    if not stdin and typer.prompt("Again", hide_input=True) != secret:
        raise typer.BadParameter("the two are not the same")

    async def change(connection: AsyncConnection) -> Agent:
        found = await directory.agent(connection, agent)
        await directory.set_password(connection, found.id, await passwords.hashed(secret), datetime.now(UTC))
        return await directory.agent(connection, found.id)

    changed = in_transaction(desk, change)
    if desk.as_json:
        print_one(changed, as_json=True)
    else:
        console().print(f"{changed.name} logs in with the new password from now on.")


@agents_app.command("token")
@on_desk
def token(
    desk: Desk,
    agent: AgentArgument,
    name: Annotated[str, typer.Option("--name", help="What it is for.")] = "command line",
    days: Annotated[int, typer.Option("--days", help="How long it holds.", min=1, max=366)] = 90,
    scope: ScopeOption = None,
) -> None:
    """Make an API token for an agent and print it, this once."""
    from ticketing.people import directory
    from ticketing.people.store import NewToken, give_token

    asked = given(NewTokenGiven, name=name, days=days, **({"scopes": scope} if scope else {}))

    async def make(connection: AsyncConnection) -> NewToken:
        found = await directory.agent(connection, agent)
        lifetime = timedelta(days=asked.days)
        return await give_token(connection, found.id, name=asked.name, lifetime=lifetime, scopes=asked.scopes)

    made = in_transaction(desk, make)
    if desk.as_json:
        print_one({"id": made.id, "token": made.token, "expires_at": made.expires_at}, as_json=True)
    else:
        console().print(made.token)
        typer.echo(f"It holds until {made.expires_at:%Y-%m-%d} and is not shown again.", err=True)


@agents_app.command("tokens")
@on_desk
def tokens(
    desk: Desk,
    agent: AgentArgument,
) -> None:
    """List an agent's tokens, without their secrets."""
    from ticketing.people import directory, store

    columns = {
        "id": lambda k: k.id,
        "kind": lambda k: k.kind,
        "name": lambda k: k.name,
        "scopes": lambda k: "all" if k.scopes is None else ", ".join(k.scopes),
        "expires": lambda k: f"{k.expires_at:%Y-%m-%d}",
        "used": lambda k: k.used_at and f"{k.used_at:%Y-%m-%d %H:%M}",
        "revoked": lambda k: k.revoked_at and f"{k.revoked_at:%Y-%m-%d}",
    }

    async def look(connection: AsyncConnection) -> list[Token]:
        return await store.tokens(connection, (await directory.agent(connection, agent)).id)

    print_rows(in_transaction(desk, look), columns, as_json=desk.as_json, nothing="No tokens.")


@agents_app.command("revoke")
@on_desk
def revoke(
    desk: Desk,
    token_id: Annotated[str, typer.Argument(help="The id of a token, as `agents tokens` shows it.")],
) -> None:
    """Let a token hold no longer."""
    from ticketing.people import store

    in_transaction(desk, lambda c: store.revoke(c, token_id))
    if desk.as_json:
        print_one({"id": token_id, "revoked": True}, as_json=True)
    else:
        console().print(f"Token {token_id} holds no longer.")


def _edited(desk: Desk, agent: str, change: AgentEdit) -> None:
    from ticketing.people import directory

    changed = in_transaction(desk, lambda c: directory.edit_agent(c, agent, change, datetime.now(UTC)))
    print_one(changed, as_json=desk.as_json)
