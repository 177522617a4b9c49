"""`deskstream automatic`: what is in no ticket: mail of machines, feedback, calls that were answered."""

import asyncio
from datetime import UTC, datetime
from typing import Annotated

import typer

from bus.database import database_url
from bus.options import ConfigOption, DatabaseOption, DataOption, JsonOption, KafkaOption, resolve
from bus.output import console, print_one, print_rows
from ticketing.commands_tickets import LimitOption

automatic_app = typer.Typer(
    help="Look at what is in no ticket: machines' mail, feedback, answered calls.", no_args_is_help=True
)

MessageArgument = Annotated[str, typer.Argument(help="A message_id, or the id its source gave it (Message-ID).")]


@automatic_app.command("list")
def list_(
    data: DataOption = None,
    config: ConfigOption = None,
    kafka: KafkaOption = None,
    database: DatabaseOption = None,
    as_json: JsonOption = False,
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
    with looking(database_url(resolve(data, config, kafka, database).settings("database"))) as desk:
        print_rows(
            desk.automatic(search=search, limit=limit), columns, as_json=as_json, nothing="Everything is in a ticket."
        )


@automatic_app.command("silenced")
def silenced(
    data: DataOption = None,
    config: ConfigOption = None,
    kafka: KafkaOption = None,
    database: DatabaseOption = None,
    as_json: JsonOption = False,
) -> None:
    """List whom no automatic mail is sent to for now, because they and a connector of ours answered one another."""
    from ticketing.looking import looking

    columns = {
        "connector": lambda s: s["account"],
        "mailbox": lambda s: s["mailbox"],
        "since": lambda s: f"{s['since']:%Y-%m-%d %H:%M}",
        "until": lambda s: f"{s['until']:%Y-%m-%d %H:%M}",
    }
    with looking(database_url(resolve(data, config, kafka, database).settings("database"))) as desk:
        print_rows(desk.silenced(), columns, as_json=as_json, nothing="Nobody is silenced.")


@automatic_app.command("show")
def show(
    message: MessageArgument,
    data: DataOption = None,
    config: ConfigOption = None,
    kafka: KafkaOption = None,
    database: DatabaseOption = None,
    as_json: JsonOption = False,
) -> None:
    """Show one of them."""
    from ticketing.looking import looking

    with looking(database_url(resolve(data, config, kafka, database).settings("database"))) as desk:
        print_one(desk.automatic_message(message), as_json=as_json)


@automatic_app.command("to-ticket")
def to_ticket_command(
    message: MessageArgument,
    data: DataOption = None,
    config: ConfigOption = None,
    kafka: KafkaOption = None,
    database: DatabaseOption = None,
    as_json: JsonOption = False,
) -> None:
    """Make a ticket of one of them, such as the code a mailbox sends before it forwards."""
    from ticketing.by_hand import to_ticket
    from ticketing.database import engine
    from ticketing.looking import looking
    from ticketing.service_levels import levels_of

    settings = resolve(data, config, kafka, database).settings("database")
    url, levels = database_url(settings), levels_of(settings)

    async def run() -> int:
        pool = engine(url)
        try:
            return await to_ticket(pool, message, datetime.now(UTC), levels)
        finally:
            await pool.dispose()

    number = asyncio.run(run())
    if not as_json:
        console().print(f"It is ticket #{number} now.")
        return
    with looking(url) as desk:
        print_one(desk.ticket(number), as_json=True)
