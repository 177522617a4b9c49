"""`deskstream metrics`: the service, and looking at the figures."""

import asyncio
import sys
from collections.abc import Awaitable, Callable
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Annotated, Literal, TypeVar

import typer
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncConnection

from bus.errors import ConfigError, Retryable
from bus.options import (
    ConfigOption,
    DatabaseOption,
    DataOption,
    JsonOption,
    KafkaOption,
    OpsPortOption,
    resolve,
)
from bus.output import console, print_one, print_rows
from bus.settings import Settings, load_settings
from metrics_worker.definitions import DEFINITIONS, definition_of, texts, wording
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
    """Show all figures of a contact, an account, an agent, a team or the desk, and what each of them counts."""
    from metrics_worker import snapshot
    from metrics_worker.behind import Behind, behind
    from metrics_worker.figures import encoded
    from metrics_worker.service import NAMES
    from metrics_worker.terminal import lateness, table

    settings, now = _settings(context, data, config, kafka, database), datetime.now(UTC)

    async def find(connection: AsyncConnection) -> tuple[list[snapshot.Document], Behind]:
        found = await snapshot.read(connection, NAMES, [key], every=True)
        return found, await behind(connection, now)

    found, late = _asked(settings, find)
    if not found:
        raise _unknown(key)
    document = found[0]
    known = texts()
    if as_json:
        named = {figure["definition"] for figure in document["figures"].values()}
        document["definitions"] = {name: known[name].model_dump() for name in sorted(named)}
        document["behind"] = late.model_dump()
        sys.stdout.write(encoded(document).decode() + "\n")
        return
    console().print(table(document["figures"], known, wording(settings.desk.language), now))
    at = document["as_of"]["at"]
    typer.echo(f"\nAs of {at.isoformat(' ', 'seconds')}; {lateness(late)}.")
    if others := document.get("contacts"):
        typer.echo(f"The sum of contacts merged into one: {', '.join(others)}.")


@metrics_app.command()
def definitions(
    context: typer.Context,
    data: DataOption = None,
    config: ConfigOption = None,
    kafka: KafkaOption = None,
    database: DatabaseOption = None,
    as_json: JsonOption = False,
) -> None:
    """Say what every figure counts and what not, in the desk's language; as JSON in all five."""
    del database, kafka
    known = texts()
    if as_json:
        print_rows(known.values(), {}, as_json=True)
        return
    before = context.obj or (None,) * 4
    language = wording(load_settings(data=data or before[0], config=config or before[1]).desk.language)
    for each in DEFINITIONS:
        text = known[each.reference]
        typer.echo(f"{each.ids} ({text.unit}, version {each.version}): {text.name[language]}")
        typer.echo(f"    {text.description[language]}\n")


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
    from metrics_worker import calendar_store, snapshot
    from metrics_worker.service import NAMES
    from metrics_worker.why import why as shares_of

    if definition_of(figure) is None:
        known = ", ".join(each.ids for each in DEFINITIONS)
        raise _refused(f"there is no figure {figure}; figures: {known}", 2)

    async def find(connection: AsyncConnection) -> list[Share] | None:
        if not await snapshot.read(connection, NAMES, [key]):
            return None
        calendars = await calendar_store.read(connection, settings.desk.calendar)
        return [share async for share in shares_of(connection, key, figure, calendars)]

    settings = _settings(context, data, config, kafka, database)
    found = _asked(settings, find)
    if found is None:
        raise _unknown(key)
    print_rows(
        found,
        {
            "ticket": lambda share: share.number if share.number is not None else f"contact {share.contact_id}",
            "adds": lambda share: _adds(figure, share),
            "from": lambda share: f"{share.since.kind} {share.since.at.isoformat(' ', 'seconds')}",
            "to": lambda share: f"{share.until.kind} {share.until.at.isoformat(' ', 'seconds')}" if share.until else "",
        },
        as_json=as_json,
        nothing=f"No ticket adds to it: {figure} of {key} is 0.",
    )
    if found and not as_json:
        n, total = sum(share.n for share in found), sum(share.sum for share in found)
        typer.echo(f"{figure} of {key}: {n}" if n == total else f"{figure} of {key}: {total} in all, of {n}")


@metrics_app.command()
def overview(
    context: typer.Context,
    key: Annotated[str, typer.Argument(metavar="KEY", help="contact:<id> or account:<id>.")],
    data: DataOption = None,
    config: ConfigOption = None,
    kafka: KafkaOption = None,
    database: DatabaseOption = None,
    as_json: JsonOption = False,
    limit: Annotated[int, typer.Option("--limit", help="So many activities and ratings, the newest.", min=1)] = 20,
) -> None:
    """Show the page of a contact or an account: figures, tickets by channel, what happened, and ratings."""
    from metrics_worker import overview as pages
    from metrics_worker.pages import Overview
    from metrics_worker.service import NAMES
    from metrics_worker.terminal import page

    if not key.startswith(("contact:", "account:")):
        raise _refused(f"{key} has no page; contact:<id> and account:<id> have", 2)

    async def find(connection: AsyncConnection) -> Overview:
        return await pages.overview(connection, NAMES, key, datetime.now(UTC), limit=limit)

    settings = _settings(context, data, config, kafka, database)
    found = _asked(settings, find)
    if found.as_of is None:
        raise _unknown(key)
    if as_json:
        print_one(found, as_json=True)
        return
    for part in page(found, texts(), wording(settings.desk.language), datetime.now(UTC)):
        console().print(part)


@metrics_app.command()
def rebuild(
    context: typer.Context,
    data: DataOption = None,
    config: ConfigOption = None,
    kafka: KafkaOption = None,
    database: DatabaseOption = None,
    as_json: JsonOption = False,
    present_calendars: Annotated[
        bool,
        typer.Option(
            "--present-calendars",
            help="Measure the past with the present hours and holidays; otherwise it stays as it was measured.",
        ),
    ] = False,
) -> None:
    """Compute all figures again from the topics, beside the live ones, and put them in their place.

    The worker goes on meanwhile. What differs is printed; nothing should, unless calendars or definitions changed.
    """
    from metrics_worker.commands_rebuild import rebuilt

    settings = _settings(context, data, config, kafka, database, needed=("kafka", "database"))
    try:
        done = asyncio.run(rebuilt(settings, present_calendars=present_calendars, quiet=as_json))
    except (ConfigError, Retryable) as error:
        raise _refused(str(error), 1) from None
    if as_json:
        print_one(asdict(done), as_json=True)
        return
    for example in done.difference.examples:
        typer.echo(f"  {example}")
    typer.echo(
        f"{done.tickets} tickets from {done.events} events; {done.difference.keys} keys and {done.difference.days} "
        "days have other figures now"
    )


def _adds(figure: str, share: Share) -> str:
    definition = definition_of(figure)
    if definition is None or definition.unit not in ("seconds", "percent"):
        return str(share.n)
    return f"{share.sum} s" if definition.unit == "seconds" else f"{share.sum} of {share.n}"


def _settings(
    context: typer.Context, *given: object, needed: tuple[Literal["kafka", "database"], ...] = ("database",)
) -> Settings:
    """From the options behind the command, else those before it."""
    before: tuple[object, ...] = context.obj or (None,) * len(given)
    chosen = [mine if mine is not None else theirs for mine, theirs in zip(given, before, strict=True)]
    try:
        return resolve(*chosen).settings(*needed)  # type: ignore[arg-type]  # as typer has checked them
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


def _unknown(key: str) -> typer.Exit:
    return _refused(
        f"no figures are known of {key}; a key is contact:<id>, account:<id>, agent:<id>, team:<id>, desk", 1
    )


def _refused(text: str, status: int) -> typer.Exit:
    print(f"deskstream metrics: {text}", file=sys.stderr)
    return typer.Exit(status)
