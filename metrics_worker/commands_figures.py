"""`deskstream metrics show`, `definitions`, `overview`: the figures, and what they count."""

import sys
from datetime import UTC, datetime
from typing import Annotated

import typer
from sqlalchemy.ext.asyncio import AsyncConnection

from bus.options import (
    ConfigOption,
    DatabaseOption,
    DataOption,
    JsonOption,
    KafkaOption,
)
from bus.output import console, print_one, print_rows
from bus.settings import load_settings
from metrics_worker.command_answers import KeyArgument, asked, refused, settings_of, unknown
from metrics_worker.definitions import DEFINITIONS, texts, wording


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

    settings, now = settings_of(context, data, config, kafka, database), datetime.now(UTC)

    async def find(connection: AsyncConnection) -> tuple[list[snapshot.Document], Behind]:
        found = await snapshot.read(connection, NAMES, [key], every=True)
        return found, await behind(connection, now)

    found, late = asked(settings, find)
    if not found:
        raise unknown(key)
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
        raise refused(f"{key} has no page; contact:<id> and account:<id> have", 2)

    async def find(connection: AsyncConnection) -> Overview:
        return await pages.overview(connection, NAMES, key, datetime.now(UTC), limit=limit)

    settings = settings_of(context, data, config, kafka, database)
    found = asked(settings, find)
    if found.as_of is None:
        raise unknown(key)
    if as_json:
        print_one(found, as_json=True)
        return
    for part in page(found, texts(), wording(settings.desk.language), datetime.now(UTC)):
        console().print(part)
