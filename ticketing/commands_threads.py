"""`deskstream tickets merge|unmerge|split|unsplit|wrong|move|participant|revoke-tokens`: acts on the graph by hand."""

import asyncio
from collections.abc import Mapping
from importlib import import_module
from typing import Annotated
from uuid import uuid4

import typer

from bus.output import console, print_one
from ticketing.commands_desk import AgentOption, Desk, on_desk

NumberArgument = Annotated[int, typer.Argument(help="A ticket's number.")]
MessageArgument = Annotated[str, typer.Argument(help="A message_id, or the id its source gave it (Message-ID).")]


def with_acts(looking: typer.Typer) -> typer.Typer:
    """The commands that look at tickets, and those that act on them."""
    app = typer.Typer(help="Look at tickets, and put them right.", no_args_is_help=True)
    app.registered_commands += looking.registered_commands
    for command in (merge, unmerge, split, unsplit, wrong, move, participant, revoke_tokens):
        app.command(command.__name__.replace("_", "-"))(on_desk(command))
    return app


def merge(
    desk: Desk,
    number: NumberArgument,
    other: Annotated[int, typer.Argument(help="The number of another one.")],
    agent: AgentOption = None,
) -> None:
    """Make two tickets one, under the lower number; the other number works for ever."""
    _do(desk, agent, "merge", number, {"other": other}, "They are ticket #{} now.")


def unmerge(
    desk: Desk,
    number: Annotated[int, typer.Argument(help="The number of the ticket that was merged into another one.")],
    agent: AgentOption = None,
) -> None:
    """Take a merged ticket out again; nothing that comes later merges the two."""
    _do(desk, agent, "unmerge", number, {}, "Ticket #{} is by itself again.")


def split(
    desk: Desk,
    number: NumberArgument,
    messages: Annotated[list[str], typer.Argument(help="What goes into a new ticket: message ids.")],
    agent: AgentOption = None,
) -> None:
    """Make a new ticket of some messages of one; replies follow what they answer."""
    _do(desk, agent, "split", number, {"messages": messages}, "They are ticket #{} now.")


def unsplit(
    desk: Desk,
    number: Annotated[int, typer.Argument(help="The number of the ticket that was split off.")],
    agent: AgentOption = None,
) -> None:
    """Put what was split off, or was in the wrong ticket, back where it came from."""
    _do(desk, agent, "unsplit", number, {}, "It is in ticket #{} again.")


def wrong(desk: Desk, message: MessageArgument, agent: AgentOption = None) -> None:
    """Say that a message is in the wrong ticket: it becomes one of its own."""
    _do(desk, agent, "split", message, {"messages": [message], "wrong": True}, "It is ticket #{} now.")


def move(
    desk: Desk,
    message: MessageArgument,
    number: Annotated[int, typer.Argument(help="The number of the ticket it belongs to.")],
    agent: AgentOption = None,
) -> None:
    """Move a message to another ticket; moved back, it is as if nothing had happened."""
    _do(desk, agent, "move-message", message, {"message": message, "to": number}, "It is in ticket #{} now.")


def participant(
    desk: Desk,
    number: NumberArgument,
    address: Annotated[str, typer.Argument(help="A mail address.")],
    remove: Annotated[bool, typer.Option("--remove", help="Take out of the ticket instead.")] = False,
    agent: AgentOption = None,
) -> None:
    """Let somebody beside the requester into a ticket."""
    said = "No participant of ticket #{} any more." if remove else "A participant of ticket #{} now."
    _do(desk, agent, f"{'remove' if remove else 'add'}-participant", number, {"address": address}, said)


def revoke_tokens(desk: Desk, number: NumberArgument, agent: AgentOption = None) -> None:
    """Make every reply address of a ticket worthless; what is sent from now on has new ones."""
    _do(desk, agent, "revoke-tokens", number, {}, "The tokens of #{} are worthless now.")


def _do(desk: Desk, agent: str | None, name: str, on: int | str, given: Mapping[str, object], said: str) -> None:
    """Perform an act as whoever runs the machine. `on`: a ticket's number, or a message that is in it."""
    operating = import_module("ticketing.acts.operating")  # `--help` stays instant
    performed = asyncio.run(operating.operate(desk.settings, name, on, given, agent, key=f"cli:{uuid4().hex}"))
    if desk.as_json:
        print_one(performed.document.model_dump(mode="json"), as_json=True)
    else:
        console().print(said.format(performed.document.number))
