"""`deskstream tickets merge|unmerge|split|unsplit|wrong|move|participant|revoke-tokens`: acts on the graph by hand."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated
from uuid import uuid4

import typer

from bus.database import database_url
from bus.options import ConfigOption, DatabaseOption, DataOption, JsonOption, KafkaOption, resolve
from bus.output import console, print_one

if TYPE_CHECKING:
    from ticketing.acting import Acts

NumberArgument = Annotated[int, typer.Argument(help="A ticket's number.")]
MessageArgument = Annotated[str, typer.Argument(help="A message_id, or the id its source gave it (Message-ID).")]
AgentOption = Annotated[str | None, typer.Option("--agent", help="Id of the agent who acts, for the history.")]


def with_acts(looking: typer.Typer) -> typer.Typer:
    """The commands that look at tickets, and those that act on them."""
    app = typer.Typer(help="Look at tickets, and put them right.", no_args_is_help=True)
    app.registered_commands += looking.registered_commands
    for command in (merge, unmerge, split, unsplit, wrong, move, participant, revoke_tokens):
        app.command(command.__name__.replace("_", "-"))(command)
    return app


def merge(
    number: NumberArgument,
    other: Annotated[int, typer.Argument(help="The number of another one.")],
    agent: AgentOption = None,
    data: DataOption = None,
    config: ConfigOption = None,
    kafka: KafkaOption = None,
    database: DatabaseOption = None,
    as_json: JsonOption = False,
) -> None:
    """Make two tickets one, under the lower number; the other number works for ever."""
    url = _url(data, config, kafka, database)
    _do(url, agent, lambda acts: acts.merge(number, other), "They are ticket #{} now.", as_json=as_json)


def unmerge(
    number: Annotated[int, typer.Argument(help="The number of the ticket that was merged into another one.")],
    agent: AgentOption = None,
    data: DataOption = None,
    config: ConfigOption = None,
    kafka: KafkaOption = None,
    database: DatabaseOption = None,
    as_json: JsonOption = False,
) -> None:
    """Take a merged ticket out again; nothing that comes later merges the two."""
    url = _url(data, config, kafka, database)
    _do(url, agent, lambda acts: acts.unmerge(number), "Ticket #{} is by itself again.", as_json=as_json)


def split(
    number: NumberArgument,
    messages: Annotated[list[str], typer.Argument(help="What goes into a new ticket: message ids.")],
    agent: AgentOption = None,
    data: DataOption = None,
    config: ConfigOption = None,
    kafka: KafkaOption = None,
    database: DatabaseOption = None,
    as_json: JsonOption = False,
) -> None:
    """Make a new ticket of some messages of one; replies follow what they answer."""
    url = _url(data, config, kafka, database)
    _do(url, agent, lambda acts: acts.split(messages, number=number), "They are ticket #{} now.", as_json=as_json)


def unsplit(
    number: Annotated[int, typer.Argument(help="The number of the ticket that was split off.")],
    agent: AgentOption = None,
    data: DataOption = None,
    config: ConfigOption = None,
    kafka: KafkaOption = None,
    database: DatabaseOption = None,
    as_json: JsonOption = False,
) -> None:
    """Put what was split off, or was in the wrong ticket, back where it came from."""
    url = _url(data, config, kafka, database)
    _do(url, agent, lambda acts: acts.unsplit(number), "It is in ticket #{} again.", as_json=as_json)


def wrong(
    message: MessageArgument,
    agent: AgentOption = None,
    data: DataOption = None,
    config: ConfigOption = None,
    kafka: KafkaOption = None,
    database: DatabaseOption = None,
    as_json: JsonOption = False,
) -> None:
    """Say that a message is in the wrong ticket: it becomes one of its own."""
    url = _url(data, config, kafka, database)
    _do(url, agent, lambda acts: acts.split([message], wrong=True), "It is ticket #{} now.", as_json=as_json)


def move(
    message: MessageArgument,
    number: Annotated[int, typer.Argument(help="The number of the ticket it belongs to.")],
    agent: AgentOption = None,
    data: DataOption = None,
    config: ConfigOption = None,
    kafka: KafkaOption = None,
    database: DatabaseOption = None,
    as_json: JsonOption = False,
) -> None:
    """Move a message to another ticket; moved back, it is as if nothing had happened."""
    url = _url(data, config, kafka, database)
    _do(url, agent, lambda acts: acts.move(message, number), "It is in ticket #{} now.", as_json=as_json)


def participant(
    number: NumberArgument,
    address: Annotated[str, typer.Argument(help="A mail address.")],
    remove: Annotated[bool, typer.Option("--remove", help="Take out of the ticket instead.")] = False,
    agent: AgentOption = None,
    data: DataOption = None,
    config: ConfigOption = None,
    kafka: KafkaOption = None,
    database: DatabaseOption = None,
    as_json: JsonOption = False,
) -> None:
    """Let somebody beside the requester into a ticket."""
    url = _url(data, config, kafka, database)
    said = "No participant of ticket #{} any more." if remove else "A participant of ticket #{} now."
    _do(url, agent, lambda acts: acts.participant(number, address, remove=remove), said, as_json=as_json)


def revoke_tokens(
    number: NumberArgument,
    agent: AgentOption = None,
    data: DataOption = None,
    config: ConfigOption = None,
    kafka: KafkaOption = None,
    database: DatabaseOption = None,
    as_json: JsonOption = False,
) -> None:
    """Make every reply address of a ticket worthless; what is sent from now on has new ones."""
    url = _url(data, config, kafka, database)
    _do(url, agent, lambda acts: acts.revoke_tokens(number), "The tokens of #{} are worthless now.", as_json=as_json)


def _url(data: DataOption, config: ConfigOption, kafka: KafkaOption, database: DatabaseOption) -> str:
    return database_url(resolve(data, config, kafka, database).settings("database"))


def _do(url: str, agent: str | None, do: "Callable[[Acts], Awaitable[int]]", said: str, *, as_json: bool) -> None:
    from ticketing.acting import Acts
    from ticketing.acts import Act
    from ticketing.database import engine
    from ticketing.looking import looking

    async def run() -> int:
        pool = engine(url)
        try:
            return await do(Acts(pool, Act(uuid4().hex, agent), datetime.now(UTC)))
        finally:
            await pool.dispose()

    number = asyncio.run(run())
    if not as_json:
        console().print(said.format(number))
        return
    with looking(url) as desk:
        print_one(desk.ticket(number), as_json=True)
