"""`deskstream metrics rebuild`: all figures again from the topics."""

import asyncio
from dataclasses import asdict
from typing import Annotated

import typer

from bus.errors import ConfigError, Retryable
from bus.options import (
    ConfigOption,
    DatabaseOption,
    DataOption,
    JsonOption,
    KafkaOption,
)
from bus.output import print_one
from metrics_worker.command_answers import refused, settings_of


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
    processes: Annotated[
        int | None,
        typer.Option("--processes", help="So many fold; by default one for each processor, if it pays.", min=1),
    ] = None,
) -> None:
    """Compute all figures again from the topics, beside the live ones, and put them in their place.

    The worker goes on meanwhile. What differs is printed; nothing should, unless calendars or definitions changed.
    """
    from metrics_worker.rebuild.with_progress import rebuilt

    settings = settings_of(context, data, config, kafka, database, needed=("kafka", "database"))
    try:
        done = asyncio.run(rebuilt(settings, present_calendars=present_calendars, processes=processes, quiet=as_json))
    except (ConfigError, Retryable) as error:
        raise refused(str(error), 1) from None
    if as_json:
        print_one(asdict(done), as_json=True)
        return
    for example in done.difference.examples:
        typer.echo(f"  {example}")
    typer.echo(
        f"{done.tickets} tickets from {done.events} events; {done.difference.keys} keys and {done.difference.days} "
        "days have other figures now"
    )
