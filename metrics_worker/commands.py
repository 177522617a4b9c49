"""`deskstream metrics`: the service, and looking at the figures."""

import asyncio
import sys
from collections.abc import Awaitable, Callable
from typing import Annotated, TypeVar

import typer
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncConnection

from bus.errors import ConfigError, Retryable
from bus.figures import CustomerMetrics
from bus.options import (
    ConfigOption,
    DatabaseOption,
    DataOption,
    JsonOption,
    KafkaOption,
    OpsPortOption,
    resolve,
)
from bus.output import print_one, print_rows
from bus.settings import Settings
from metrics_worker.definitions import DEFINITIONS, definition_of
from metrics_worker.why import Share

KeyArgument = Annotated[
    str, typer.Argument(metavar="KEY", help="contact:<id>, account:<id>, agent:<id>, team:<id> or desk.")
]
FigureArgument = Annotated[str, typer.Argument(metavar="FIGURE", help="Such as total, open or by_channel.email.")]
Found = TypeVar("Found")

metrics_app = typer.Typer(help="Compute the customers' figures, and look at them.", no_args_is_help=False)


def register(app: typer.Typer) -> None:
    """Add `metrics` to the command line."""
    app.add_typer(metrics_app, name="metrics")


@metrics_app.callback(invoke_without_command=True)
def metrics(
    context: typer.Context,
    data: DataOption = None,
    config: ConfigOption = None,
    kafka: KafkaOption = None,
    database: DatabaseOption = None,
    ops_port: OpsPortOption = 0,
) -> None:
    """Compute the customers' figures, and look at them. Without a command: run the worker in the foreground."""
    if context.invoked_subcommand is not None:
        context.obj = (data, config, kafka, database)
        return
    from bus.service import run_service
    from metrics_worker.service import work

    try:
        settings = resolve(data, config, kafka, database).settings("kafka", "database")
        running = work(settings)
    except ConfigError as error:
        raise _refused(str(error), 2) from None
    raise typer.Exit(run_service("metrics", settings, running, ops_port=ops_port))


@metrics_app.command()
def show(
    context: typer.Context,
    key: KeyArgument,
    data: DataOption = None,
    config: ConfigOption = None,
    kafka: KafkaOption = None,
    database: DatabaseOption = None,
    as_json: JsonOption = False,
) -> None:
    """Show all figures of a contact, an account, an agent, a team or the desk."""
    from metrics_worker import snapshot
    from metrics_worker.service import NAMES

    async def find(connection: AsyncConnection) -> list[CustomerMetrics]:
        return await snapshot.read(connection, NAMES, [key])

    found = _asked(_settings(context, data, config, kafka, database), find)
    if not found:
        raise _unknown(key)
    if as_json:
        print_one(found[0], as_json=True)
        return
    figures = found[0].figures
    print_rows(
        [{"figure": name, "value": figure.value, "definition": figure.definition} for name, figure in figures.items()],
        {
            "figure": lambda row: row["figure"],
            "value": lambda row: row["value"],
            "what it is": lambda row: _named(str(row["figure"])),
            "definition": lambda row: row["definition"],
        },
        as_json=False,
    )


@metrics_app.command()
def why(
    context: typer.Context,
    key: KeyArgument,
    figure: FigureArgument,
    data: DataOption = None,
    config: ConfigOption = None,
    kafka: KafkaOption = None,
    database: DatabaseOption = None,
    as_json: JsonOption = False,
) -> None:
    """List every ticket that a figure is made of, how much it adds, and between which events."""
    from metrics_worker import snapshot
    from metrics_worker.service import NAMES
    from metrics_worker.why import why as shares_of

    if definition_of(figure) is None:
        known = ", ".join(f"{each.id}.<{each.by}>" if each.by else each.id for each in DEFINITIONS)
        raise _refused(f"there is no figure {figure}; figures: {known}", 2)

    async def find(connection: AsyncConnection) -> list[Share] | None:
        if not await snapshot.read(connection, NAMES, [key]):
            return None
        return [share async for share in shares_of(connection, key, figure)]

    found = _asked(_settings(context, data, config, kafka, database), find)
    if found is None:
        raise _unknown(key)
    print_rows(
        found,
        {
            "ticket": lambda share: share.number,
            "adds": lambda share: share.n,
            "from": lambda share: f"{share.since.kind} {share.since.at.isoformat(' ', 'seconds')}",
            "to": lambda share: f"{share.until.kind} {share.until.at.isoformat(' ', 'seconds')}" if share.until else "",
        },
        as_json=as_json,
        nothing=f"No ticket adds to it: {figure} of {key} is 0.",
    )
    if found and not as_json:
        typer.echo(f"{figure} of {key}: {sum(share.n for share in found)}")


def _settings(context: typer.Context, *given: object) -> Settings:
    """From the options behind the command, else those before it."""
    before: tuple[object, ...] = context.obj or (None,) * len(given)
    chosen = [mine if mine is not None else theirs for mine, theirs in zip(given, before, strict=True)]
    try:
        return resolve(*chosen).settings("database")  # type: ignore[arg-type]  # as typer has checked them
    except ConfigError as error:
        raise _refused(str(error), 2) from None


def _asked(settings: Settings, question: Callable[[AsyncConnection], Awaitable[Found]]) -> Found:
    """The answer from one state of the database."""
    from bus.database import database_url
    from bus.progress import database_error
    from metrics_worker.database import engine as engine_of

    async def ask() -> Found:
        engine = engine_of(database_url(settings))
        try:
            async with engine.connect() as plain:
                return await question(await plain.execution_options(isolation_level="REPEATABLE READ"))
        finally:
            await engine.dispose()

    try:
        return asyncio.run(ask())
    except ConfigError as error:
        raise _refused(str(error), 2) from None
    except DBAPIError as error:
        if getattr(error.orig, "sqlstate", None) in ("3F000", "42P01"):
            raise _refused("this database has no figures yet; run `deskstream db upgrade`", 1) from None
        raise _refused(str(database_error(error)), 1) from None
    except Retryable as error:
        raise _refused(str(error), 1) from None


def _named(figure: str) -> str:
    definition = definition_of(figure)
    return definition.name if definition else ""


def _unknown(key: str) -> typer.Exit:
    return _refused(
        f"no figures are known of {key}; a key is contact:<id>, account:<id>, agent:<id>, team:<id>, desk", 1
    )


def _refused(text: str, status: int) -> typer.Exit:
    print(f"deskstream metrics: {text}", file=sys.stderr)
    return typer.Exit(status)
