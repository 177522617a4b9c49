"""`deskstream automatic`: what is in no ticket: mail of machines, feedback, calls that were answered."""

import asyncio
from importlib import import_module
from typing import Annotated
from uuid import uuid4

import typer

from bus.output import console, print_one, print_rows
from ticketing.commands_desk import AgentOption, Desk, on_desk
from ticketing.commands_tickets import LimitOption

automatic_app = typer.Typer(
    help="Look at what is in no ticket: machines' mail, feedback, answered calls.", no_args_is_help=True
)

MessageArgument = Annotated[str, typer.Argument(help="A message_id, or the id its source gave it (Message-ID).")]


@automatic_app.command("list")
@on_desk
def list_(
    desk: Desk,
    search: Annotated[
        str | None, typer.Option("--search", help="Only mail that holds all these words: text, subject, sender, kind.")
    ] = None,
    limit: LimitOption = None,
) -> None:
    """List what is in no ticket, the newest first.

    That is machines' mail, feedback, calls that nobody missed, and changes of messages that have not come ("creation").
    """
    from ticketing.looking import looking

    columns = {
        "message": lambda m: m["message_id"],
        "kind": lambda m: m["aside"] or m["automation"],
        "from": lambda m: m["author"],
        "subject": lambda m: m["subject"],
        "received": lambda m: f"{m['received_at']:%Y-%m-%d %H:%M}",
    }
    with looking(desk.url) as tables:
        found = tables.automatic(search=search, limit=limit)
        print_rows(found, columns, as_json=desk.as_json, nothing="Everything is in a ticket.")


@automatic_app.command("silenced")
@on_desk
def silenced(desk: Desk) -> None:
    """List whom no automatic mail is sent to for now, because they and a connector of ours answered one another."""
    from ticketing.looking import looking

    columns = {
        "connector": lambda s: s["account"],
        "mailbox": lambda s: s["mailbox"],
        "since": lambda s: f"{s['since']:%Y-%m-%d %H:%M}",
        "until": lambda s: f"{s['until']:%Y-%m-%d %H:%M}",
    }
    with looking(desk.url) as tables:
        print_rows(tables.silenced(), columns, as_json=desk.as_json, nothing="Nobody is silenced.")


@automatic_app.command("show")
@on_desk
def show(desk: Desk, message: MessageArgument) -> None:
    """Show one of them."""
    from ticketing.looking import looking

    with looking(desk.url) as tables:
        print_one(tables.automatic_message(message), as_json=desk.as_json)


@automatic_app.command("to-ticket")
@on_desk
def to_ticket(desk: Desk, message: MessageArgument, agent: AgentOption = None) -> None:
    """Make a ticket of one of them, such as the code a mailbox sends before it forwards."""
    operating = import_module("ticketing.acts.operating")  # `--help` stays instant
    given, key = {"message": message}, f"cli:{uuid4().hex}"
    done = asyncio.run(operating.operate_opening(desk.settings, "to-ticket", given, agent, key=key))
    if desk.as_json:
        print_one(done.document.model_dump(mode="json"), as_json=True)
    else:
        console().print(f"It is ticket #{done.document.number} now.")
