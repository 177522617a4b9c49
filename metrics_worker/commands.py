"""`deskstream metrics`: the worker as a command, and the commands below it."""

import typer

from bus.errors import ConfigError
from bus.options import (
    ConfigOption,
    DatabaseOption,
    DataOption,
    KafkaOption,
    OpsPortOption,
    resolve,
)
from metrics_worker.command_answers import refused
from metrics_worker.commands_figures import definitions, overview, show
from metrics_worker.commands_rebuild import rebuild
from metrics_worker.commands_why import why

metrics_app = typer.Typer(help="Compute the customers' figures, and look at them.", no_args_is_help=False)
for _command in (show, definitions, why, overview, rebuild):
    metrics_app.command()(_command)


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
        raise refused(str(error), 2) from None
    raise typer.Exit(run_service("metrics", settings, running, ops_port=ops_port))
