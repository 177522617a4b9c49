"""`deskstream contacts`: look at customers."""

from typing import Annotated

import typer

from bus.database import database_url
from bus.options import ConfigOption, DatabaseOption, DataOption, JsonOption, KafkaOption, resolve
from bus.output import print_one, print_rows
from ticketing.commands_tickets import COLUMNS, LimitOption

contacts_app = typer.Typer(help="Look at contacts.", no_args_is_help=True)


@contacts_app.command("list")
def list_(
    data: DataOption = None,
    config: ConfigOption = None,
    kafka: KafkaOption = None,
    database: DatabaseOption = None,
    as_json: JsonOption = False,
    limit: LimitOption = None,
) -> None:
    """List contacts, the newest first."""
    from ticketing.looking import looking

    columns = {
        "id": lambda c: c["id"],
        "name": lambda c: c["name"],
        "known as": lambda c: ", ".join(identity["value"] for identity in c["identities"]),
        "tickets": lambda c: c["tickets"],
    }
    with looking(database_url(resolve(data, config, kafka, database).settings("database"))) as desk:
        print_rows(desk.contacts(limit=limit), columns, as_json=as_json, nothing="No contacts.")


@contacts_app.command("show")
def show(
    contact: Annotated[str, typer.Argument(help="A contact's id, or an address or number it is known by.")],
    data: DataOption = None,
    config: ConfigOption = None,
    kafka: KafkaOption = None,
    database: DatabaseOption = None,
    as_json: JsonOption = False,
) -> None:
    """Show a contact and its tickets."""
    from ticketing.looking import looking

    with looking(database_url(resolve(data, config, kafka, database).settings("database"))) as desk:
        found = desk.contact(contact)
        tickets = desk.tickets_of(found["id"])
    if as_json:
        print_one({**found, "tickets": [ticket.model_dump(mode="json") for ticket in tickets]}, as_json=True)
        return
    print_one({**found, "identities": ", ".join(i["value"] for i in found["identities"])}, as_json=False)
    print_rows(tickets, COLUMNS, as_json=False, nothing="No tickets.")
