"""`deskstream ticketing`, and the commands that look at the desk."""

from collections.abc import Sequence

import typer

from bus.options import ConfigOption, DatabaseOption, DataOption, KafkaOption, OpsPortOption, resolve
from ticketing.commands_acts import add_to
from ticketing.commands_automatic import automatic_app
from ticketing.commands_contacts import More, contacts_app
from ticketing.commands_db import Upgrade, db_app
from ticketing.commands_threads import with_acts
from ticketing.commands_tickets import tickets_app
from ticketing.people.commands_agents import agents_app
from ticketing.people.commands_groups import departments_app, teams_app


def register(app: typer.Typer, *, more_upgrades: Sequence[Upgrade] = (), more_of_contacts: More | None = None) -> None:
    """Add the commands of this package.

    From other packages: `more_upgrades` of their tables, for `db upgrade`; `more_of_contacts` for `contacts show`.
    """
    app.command("ticketing")(ticketing)
    tickets = with_acts(tickets_app)
    add_to(tickets)
    app.add_typer(tickets, name="tickets")
    app.add_typer(contacts_app, name="contacts", context_settings={"obj": more_of_contacts})
    app.add_typer(automatic_app, name="automatic")
    app.add_typer(agents_app, name="agents")
    app.add_typer(departments_app, name="departments")
    app.add_typer(teams_app, name="teams")
    app.add_typer(db_app(more_upgrades), name="db")


def ticketing(
    data: DataOption = None,
    config: ConfigOption = None,
    kafka: KafkaOption = None,
    database: DatabaseOption = None,
    ops_port: OpsPortOption = 0,
) -> None:
    """Run the desk: file messages, confirm, publish events, follow replies. Any number of these may run at once."""
    from bus.service import run_service
    from ticketing.service import work

    settings = resolve(data, config, kafka, database).settings("kafka", "database")
    raise typer.Exit(run_service("ticketing", settings, work(settings), ops_port=ops_port))
