"""`deskstream tickets`: look at tickets, their messages and their history."""

from collections.abc import Mapping, Sequence
from typing import Annotated, Any

import typer
from rich.rule import Rule
from rich.table import Table
from rich.text import Text

from bus.output import console, print_one, print_rows, safe
from bus.ticket_event import Status
from bus.ticket_state import TicketState
from ticketing.commands_desk import Desk, on_desk
from ticketing.explained import explained

tickets_app = typer.Typer(help="Look at tickets.", no_args_is_help=True)

LimitOption = Annotated[int | None, typer.Option("--limit", help="At most so many [default: all].", min=1)]

COLUMNS = {
    "number": lambda t: t.number,
    "status": lambda t: t.status,
    "customer": lambda t: t.contact_name,
    "subject": lambda t: t.subject,
    "messages": lambda t: t.counts.messages,
    "last message": lambda t: f"{t.last_message_at:%Y-%m-%d %H:%M}",
}


@tickets_app.command("list")
@on_desk
def list_(
    desk: Desk,
    status: Annotated[Status | None, typer.Option("--status", help="Only tickets with this status.")] = None,
    limit: LimitOption = None,
) -> None:
    """List tickets, the newest first."""
    from ticketing.looking import looking

    with looking(desk.url) as tables:
        print_rows(tables.tickets(status=status, limit=limit), COLUMNS, as_json=desk.as_json, nothing="No tickets.")


@tickets_app.command("show")
@on_desk
def show(
    desk: Desk,
    number: Annotated[int, typer.Argument(help="The ticket's number, or that of one it absorbed.")],
) -> None:
    """Show a ticket with its messages and its history."""
    from ticketing.looking import looking

    with looking(desk.url) as tables:
        ticket = tables.ticket(number)
        messages, history = tables.messages(ticket.id), tables.history(ticket.id)
        links = {"suggestions": tables.suggestions(ticket), "taken_up_by": tables.taken_up_by(ticket.id)}
    if desk.as_json:
        document = {**ticket.model_dump(mode="json"), **links, "messages": messages, "history": history}
        print_one(document, as_json=True)
    else:
        _show(ticket, links, messages, history)


@tickets_app.command("why")
@on_desk
def why(
    desk: Desk,
    message: Annotated[
        str, typer.Argument(help="A message_id, the id its source gave it (Message-ID), or a reference.")
    ],
) -> None:
    """Say why a message is in its ticket: the rule that matched, and its evidence."""
    from ticketing.looking import looking

    with looking(desk.url) as tables:
        found = tables.why(message)
    for document in found:
        if desk.as_json:
            print_one(document, as_json=True)
        else:
            for line in explained(document):
                console().print(Text(safe(line)))


def _show(
    ticket: TicketState, links: Mapping[str, Any], messages: Sequence[dict[str, Any]], history: Sequence[dict[str, Any]]
) -> None:
    out = console()
    out.print(Text(f"#{ticket.number}  {safe(ticket.subject) or '(no subject)'}", style="bold"))
    also = f", also {', '.join(f'#{alias}' for alias in ticket.aliases)}" if ticket.aliases else ""
    out.print(
        Text(
            f"{ticket.status}, {ticket.priority}, {safe(ticket.contact_name) or 'unnamed'} by {ticket.channel} "
            f"({safe(ticket.account)}){also}"
        )
    )
    if ticket.follows is not None:
        out.print(Text(f"takes up #{ticket.follows}, which was closed"))
    for number in links["taken_up_by"]:
        out.print(Text(f"taken up by #{number}"))
    for suggestion in links["suggestions"]:
        out.print(Text(f"{_SUGGESTIONS[suggestion['kind']]} #{suggestion['number']}", style="italic"))
    for message in messages:
        author = message["author"]
        party = "  (third party)" if message["third_party"] else ""
        head = f"{author['address']}  {message.get('received_at') or ''}{party}"
        out.print(Rule(Text(safe(head)), align="left"), width=min(out.width, _RULE))
        text = message.get("reply_text") or message.get("text") or ""
        if isinstance(text, dict):
            text = f"({text['size']} bytes, in the blob store as {text['blob']})"
        out.print(Text(safe(text)))
        for attachment in message.get("attachments", ()):
            out.print(Text(safe(f"[{attachment['name']}, {attachment['size']} bytes]")))
    out.print(Rule("history", align="left"), width=min(out.width, _RULE))
    table = Table(box=None, pad_edge=False, show_header=False)
    for event in history:
        known = {name: value for name, value in event["data"].items() if name in _TOLD and value is not None}
        details = ", ".join(f"{name} {value}" for name, value in known.items())
        table.add_row(*(Text(safe(part)) for part in (event["occurred_at"], event["type"], details)))
    out.print(table)


_RULE = 100
_SUGGESTIONS = {"possible_reply": "possible reply to", "same_sender_and_subject": "same sender, same subject as"}

_TOLD = ("message_id", "reason", "state", "reply_id", "number", "by")
"""What of an event's data is shown to people."""
