"""The `deskstream` command: every package brings its own commands, this puts them together."""

import importlib
import sys
from collections.abc import Mapping
from typing import Any

import typer
from rich.console import Console

from bus.errors import ConfigError, Invalid, Retryable
from bus.settings import Settings

PACKAGES: Mapping[str, tuple[str, ...]] = {
    "deploy.commands": ("up", "api", "doctor", "verify", "asyncapi", "openapi"),
    "ingest.commands": ("connector", "connectors", "send", "replay", "dead-letters"),
    "ticketing.commands": ("ticketing", "tickets", "contacts", "automatic", "agents", "departments", "teams", "db"),
    "metrics_worker.commands": ("metrics",),
    "bus.commands": ("topics",),
    "normalize.commands": ("normalize",),
}
"""Which package brings which commands; only that one is loaded when a command is named, so that it starts at once."""


def build(command: str | None = None) -> typer.Typer:
    """The command line: with all commands, or with those of the package that brings `command`."""
    app = typer.Typer(
        name="deskstream",
        help="Takes whatever customers write, threads it into tickets, confirms it, measures it, and publishes every "
        "step as Kafka streams.",
        no_args_is_help=True,
        rich_markup_mode="markdown",
        pretty_exceptions_enable=False,
    )
    # with a single command typer would take the place of the group
    app.callback()(lambda: None)
    owners = [package for package, names in PACKAGES.items() if command in names]
    for package in owners or PACKAGES:
        commands = importlib.import_module(package)
        if package == "ticketing.commands":
            commands.register(app, more_upgrades=[_upgrade_figures], more_of_contacts=_figures_of_contact)
        else:
            commands.register(app)
    return app


def _upgrade_figures(url: str) -> None:
    from metrics_worker.migrate import upgrade

    upgrade(url)


def _figures_of_contact(settings: Settings, contact_id: str, as_json: bool) -> Mapping[str, Any]:
    from deploy.figures_of_contact import figures_of_contact

    return figures_of_contact(settings, contact_id, as_json)


def main() -> None:
    """Run a command; what the user can mend is one line, never a traceback."""
    try:
        build(sys.argv[1] if len(sys.argv) > 1 else None)()
    except ConfigError as error:
        _complain(error, 2)
    except (Retryable, Invalid) as error:
        _complain(error, 1)


def _complain(error: Exception, status: int) -> None:
    Console(stderr=True).print(f"deskstream: {error}", style="red", markup=False, highlight=False, soft_wrap=True)
    sys.exit(status)


if __name__ == "__main__":
    main()
