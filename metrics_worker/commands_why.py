"""`deskstream metrics why`: every ticket that a figure is made of."""

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
from bus.output import print_rows
from metrics_worker.command_answers import KeyArgument, asked, refused, settings_of, unknown
from metrics_worker.definitions import DEFINITIONS, definition_of
from metrics_worker.why import Share

FigureArgument = Annotated[str, typer.Argument(metavar="FIGURE", help="Such as total, open or by_channel.email.")]


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
        raise refused(f"there is no figure {figure}; figures: {known}", 2)

    async def find(connection: AsyncConnection) -> list[Share] | None:
        if not await snapshot.read(connection, NAMES, [key]):
            return None
        calendars = await calendar_store.read(connection, settings.desk.calendar)
        kept: list[Share] = []
        async for share in shares_of(connection, key, figure, calendars):
            if as_json:  # of a whole desk they are too many to be held
                print_rows([share], {}, as_json=True)
            else:
                kept.append(share)
        return kept

    settings = settings_of(context, data, config, kafka, database)
    found = asked(settings, find)
    if found is None:
        raise unknown(key)
    if as_json:
        return
    print_rows(
        found,
        {
            "ticket": lambda share: share.number if share.number is not None else f"contact {share.contact_id}",
            "adds": lambda share: _adds(figure, share),
            "from": lambda share: f"{share.since.kind} {share.since.at.isoformat(' ', 'seconds')}",
            "to": lambda share: f"{share.until.kind} {share.until.at.isoformat(' ', 'seconds')}" if share.until else "",
        },
        as_json=False,
        nothing=f"No ticket adds to it: {figure} of {key} is 0.",
    )
    if found:
        n, total = sum(share.n for share in found), sum(share.sum for share in found)
        typer.echo(f"{figure} of {key}: {n}" if n == total else f"{figure} of {key}: {total} in all, of {n}")


def _adds(figure: str, share: Share) -> str:
    definition = definition_of(figure)
    if definition is None or definition.unit not in ("seconds", "percent"):
        return str(share.n)
    return f"{share.sum} s" if definition.unit == "seconds" else f"{share.sum} of {share.n}"
