"""The `deskstream` command: every package brings its own commands, this puts them together."""

import sys

import typer
from rich.console import Console

from bus.errors import ConfigError, Invalid, Retryable


def build() -> typer.Typer:
    """The whole command line."""
    import bus.commands
    import ingest.commands
    import metrics_worker.commands
    import metrics_worker.migrate
    import normalize.commands
    import ticketing.commands

    from deploy import commands

    app = typer.Typer(
        name="deskstream",
        help="Takes whatever customers write, threads it into tickets, confirms it, measures it, and publishes every "
        "step as Kafka streams.",
        no_args_is_help=True,
        rich_markup_mode="markdown",
        pretty_exceptions_enable=False,
    )
    for package in (commands, ingest.commands, metrics_worker.commands, bus.commands):
        package.register(app)
    ticketing.commands.register(app, more_upgrades=[metrics_worker.migrate.upgrade])
    app.command("normalize")(normalize.commands.normalize_command)
    return app


def main() -> None:
    """Run a command; what the user can mend is one line, never a traceback."""
    try:
        build()()
    except ConfigError as error:
        _complain(error, 2)
    except (Retryable, Invalid) as error:
        _complain(error, 1)


def _complain(error: Exception, status: int) -> None:
    Console(stderr=True).print(f"deskstream: {error}", style="red", markup=False, highlight=False, soft_wrap=True)
    sys.exit(status)


if __name__ == "__main__":
    main()
