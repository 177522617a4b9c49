"""`deskstream contacts`: look at customers, merge them, and say where they belong."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from datetime import UTC, datetime
from functools import partial
from typing import TYPE_CHECKING, Annotated, Any, TypeVar
from uuid import uuid4

import typer

from bus.output import console, print_one, print_rows
from bus.settings import Settings
from bus.ticket_event import Actor
from ticketing.commands_desk import Desk, on_desk
from ticketing.commands_tickets import COLUMNS, LimitOption

if TYPE_CHECKING:  # `--help` stays instant
    from sqlalchemy.ext.asyncio import AsyncEngine

    from ticketing.contact_acts import Act
    from ticketing.looking import Desk as Tables

contacts_app = typer.Typer(help="Look at contacts, merge them, move them to accounts.", no_args_is_help=True)

ContactArgument = Annotated[str, typer.Argument(help="A contact's id, or an address or number it is known by.")]
Found = TypeVar("Found")
_LONGEST_WORDS = 80
_FEEDBACK: dict[str, Callable[[Any], object]] = {
    "feedback": lambda f: f["message_id"][:12],
    "by": lambda f: f["channel"],
    "received": lambda f: f"{f['received_at']:%Y-%m-%d %H:%M}",
    "words": lambda f: " ".join((f["text"] or "").split())[:_LONGEST_WORDS],
}
More = Callable[[Settings, str, bool], Mapping[str, Any]]
"""What others know of a contact, by its id: printed, or given as fields for JSON. It is the `obj` of the context."""


@contacts_app.command("list")
@on_desk
def list_(
    desk: Desk,
    limit: LimitOption = None,
) -> None:
    """List contacts, the newest first; those merged into others stand there as a part of them."""
    from ticketing.looking import looking

    columns = {
        "id": lambda c: c["id"],
        "name": lambda c: c["name"],
        "known as": lambda c: ", ".join(identity["value"] for identity in c["identities"]),
        "account": lambda c: c["account"],
        "tickets": lambda c: c["tickets"],
    }
    with looking(desk.url) as tables:
        print_rows(tables.contacts(limit=limit), columns, as_json=desk.as_json, nothing="No contacts.")


@contacts_app.command("show")
@on_desk
def show(
    desk: Desk,
    context: typer.Context,
    contact: ContactArgument,
) -> None:
    """Show a contact, who says that its addresses are its own, its tickets and its figures."""
    from ticketing.looking import looking

    more: More | None = context.obj
    with looking(desk.url) as tables:
        _show(tables, contact, as_json=desk.as_json, more=more and partial(more, desk.settings))


@contacts_app.command("suggestions")
@on_desk
def suggestions(
    desk: Desk,
) -> None:
    """List contacts that may be one person, with the evidence. `merge` joins them; nothing joins them by itself."""
    from ticketing.looking import looking

    columns = {
        "contact": lambda s: s["contact_id"],
        "may be": lambda s: s["other_id"],
        "because of": lambda s: "; ".join(
            f"{e['kind']}{' of ' + e['identity']['value'] if e['identity'] else ''} ({e['strength']})"
            for e in s["evidence"]
        ),
    }
    with looking(desk.url) as tables:
        print_rows(tables.same_people(), columns, as_json=desk.as_json, nothing="No suggestions.")


@contacts_app.command("merge")
@on_desk
def merge(
    desk: Desk,
    contact: ContactArgument,
    into: Annotated[str, typer.Argument(help="The contact it becomes a part of: its id or an address.")],
) -> None:
    """Make a contact part of another. Its tickets and figures follow, later messages too; `unmerge` undoes it."""
    from ticketing import contact_store

    survivor = _run(desk.url, lambda engine: contact_store.merge(engine, contact, into, _act()))
    _told(desk.url, survivor, f"{contact} is part of contact {survivor} now.", as_json=desk.as_json)


@contacts_app.command("unmerge")
@on_desk
def unmerge(
    desk: Desk,
    contact: Annotated[str, typer.Argument(help="The id of a contact that was merged (`absorbed` of another).")],
) -> None:
    """Undo a merger: the contact is itself again, with what came in under its addresses meanwhile."""
    from ticketing import contact_store

    freed = _run(desk.url, lambda engine: contact_store.unmerge(engine, contact, _act()))
    _told(desk.url, freed, f"Contact {freed} stands by itself again.", as_json=desk.as_json)


@contacts_app.command("move")
@on_desk
def move(
    desk: Desk,
    contact: ContactArgument,
    account: Annotated[str | None, typer.Argument(help="The account: id, domain or name; without: to none.")] = None,
    new: Annotated[bool, typer.Option("--new", help="Make the account if there is none of this name.")] = False,
) -> None:
    """Move a contact to an account, or out of all. Its tickets keep the account they were opened under."""
    from ticketing import contact_store

    moved = _run(desk.url, lambda engine: contact_store.move(engine, contact, account, _act(), new=new))
    _told(desk.url, moved, f"Contact {moved} belongs to {account or 'no account'} now.", as_json=desk.as_json)


@contacts_app.command("identity")
@on_desk
def identity(
    desk: Desk,
    value: Annotated[str, typer.Argument(help="An address, number or user id.")],
    kind: Annotated[str | None, typer.Option("--kind", help="Only of this kind: email, phone, x …")] = None,
    shared: Annotated[
        bool, typer.Option("--shared/--personal", help="Several people use it, so it identifies nobody; or it does.")
    ] = True,
) -> None:
    """Mark an address or a phone that several people share: it ties nobody to anybody any more."""
    from ticketing import contact_store

    count = _run(desk.url, lambda engine: contact_store.mark(engine, value, kind=kind, identifying=not shared))
    if desk.as_json:
        print_one({"identity": value, "identifying": not shared, "marked": count}, as_json=True)
    else:
        console().print(f"{value} identifies {'nobody' if shared else 'one person'} now.")


def _run(url: str, act: "Callable[[AsyncEngine], Awaitable[Found]]") -> Found:
    from ticketing.database import engine

    async def run() -> Found:
        pool = engine(url)
        try:
            return await act(pool)
        finally:
            await pool.dispose()

    return asyncio.run(run())


def _act() -> "Act":
    from ticketing.contact_acts import Act

    return Act(Actor(kind="agent"), f"cli:{uuid4().hex}", datetime.now(UTC))


def _told(url: str, contact: str, sentence: str, *, as_json: bool) -> None:
    from ticketing.looking import looking

    if not as_json:
        console().print(sentence)
        return
    with looking(url) as tables:
        _show(tables, contact, as_json=True)


def _show(
    tables: "Tables", contact: str, *, as_json: bool, more: Callable[[str, bool], Mapping[str, Any]] | None = None
) -> None:
    found = tables.contact(contact)
    tickets, feedback = tables.tickets_of(found["id"]), tables.feedback_of(found["id"])
    if as_json:
        documents = [ticket.model_dump(mode="json") for ticket in tickets]
        others = more(found["id"], True) if more else {}
        print_one({**found, "tickets": documents, "feedback": feedback, **others}, as_json=True)
        return
    known = ", ".join(f"{i['value']} ({i['strength']})" for i in found["identities"])
    print_one({**found, "identities": known, "absorbed": ", ".join(found["absorbed"])}, as_json=False)
    print_rows(tickets, COLUMNS, as_json=False, nothing="No tickets.")
    if feedback:
        print_rows(feedback, _FEEDBACK, as_json=False, nothing="No feedback.")
    if more:
        more(found["id"], False)
