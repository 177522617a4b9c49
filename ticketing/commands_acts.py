"""`deskstream tickets reply|comment|assign|…`: an agent's acts, through the API."""

import json
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any
from uuid import uuid4

import typer

from bus.errors import ConfigError
from bus.output import console, print_one
from ticketing.commands_desk import Desk, on_desk

TicketArgument = Annotated[str, typer.Argument(help="The ticket's number or id.")]
UrlOption = Annotated[
    str | None, typer.Option("--url", help="The API [default: $DESKSTREAM_URL, else of the running `up`].")
]
TokenOption = Annotated[
    str | None,
    typer.Option("--token", help="Whose act it is [default: $DESKSTREAM_TOKEN, else the first admin's in DIR]."),
]
SeenOption = Annotated[
    int | None, typer.Option("--version", help="What it must still be at [default: whatever it is].", min=1)
]
TextArgument = Annotated[str, typer.Argument(help="What to write; - reads it from standard input.")]
AttachOption = Annotated[list[Path] | None, typer.Option("--attach", help="A file; may be repeated.")]


def add_to(app: typer.Typer) -> None:
    """The commands on one group."""
    for command in (reply, comment, update, assign, hold, escalate, close, reopen, act):
        app.command(command.__name__)(on_desk(command))


def reply(
    desk: Desk,
    ticket: TicketArgument,
    text: TextArgument,
    public: Annotated[bool, typer.Option("--public", help="Where everybody may read it.")] = False,
    cc: Annotated[list[str] | None, typer.Option("--cc", help="Who gets a copy; may be repeated.")] = None,
    attach: AttachOption = None,
    url: UrlOption = None,
    token: TokenOption = None,
    version: SeenOption = None,
) -> None:
    """Answer the customer."""
    given = {"text": _read(text), "public": public, "cc": cc or []}
    _do(desk, "reply", ticket, given, url, token, version, files=attach or ())


def comment(
    desk: Desk,
    ticket: TicketArgument,
    text: TextArgument,
    attach: AttachOption = None,
    url: UrlOption = None,
    token: TokenOption = None,
    version: SeenOption = None,
) -> None:
    """Write a note that only agents see."""
    _do(desk, "comment", ticket, {"text": _read(text)}, url, token, version, files=attach or ())


def update(
    desk: Desk,
    ticket: TicketArgument,
    subject: Annotated[str | None, typer.Option("--subject")] = None,
    priority: Annotated[str | None, typer.Option("--priority", help="low, normal, high or urgent.")] = None,
    category: Annotated[str | None, typer.Option("--category")] = None,
    kind: Annotated[str | None, typer.Option("--kind", help="problem, question or thanks.")] = None,
    tag: Annotated[list[str] | None, typer.Option("--tag", help="All tags it is to have; may be repeated.")] = None,
    due_at: Annotated[str | None, typer.Option("--due-at", help="Such as 2026-03-01T17:00:00+01:00.")] = None,
    clear: Annotated[list[str] | None, typer.Option("--clear", help="A field to empty; may be repeated.")] = None,
    url: UrlOption = None,
    token: TokenOption = None,
    version: SeenOption = None,
) -> None:
    """Change a ticket's subject, priority, category, kind, tags or due time."""
    named = {"subject": subject, "priority": priority, "category": category, "kind": kind, "tags": tag}
    _do(desk, "update", ticket, _changes({**named, "due_at": due_at}, clear), url, token, version)


def assign(
    desk: Desk,
    ticket: TicketArgument,
    owner: Annotated[str | None, typer.Option("--owner", help="An agent's id, or `me`.")] = None,
    team: Annotated[str | None, typer.Option("--team", help="A team's id.")] = None,
    clear: Annotated[list[str] | None, typer.Option("--clear", help="`owner` or `team`: nobody's.")] = None,
    url: UrlOption = None,
    token: TokenOption = None,
    version: SeenOption = None,
) -> None:
    """Give a ticket to an agent or a team, or take it from them."""
    _do(desk, "assign", ticket, _changes({"owner": owner, "team": team}, clear), url, token, version)


def hold(
    desk: Desk, ticket: TicketArgument, url: UrlOption = None, token: TokenOption = None, version: SeenOption = None
) -> None:
    """Put a ticket on hold."""
    _do(desk, "hold", ticket, {}, url, token, version)


def escalate(
    desk: Desk, ticket: TicketArgument, url: UrlOption = None, token: TokenOption = None, version: SeenOption = None
) -> None:
    """Say that a ticket needs more than its owner."""
    _do(desk, "escalate", ticket, {}, url, token, version)


def close(
    desk: Desk, ticket: TicketArgument, url: UrlOption = None, token: TokenOption = None, version: SeenOption = None
) -> None:
    """Close a ticket."""
    _do(desk, "close", ticket, {}, url, token, version)


def reopen(
    desk: Desk, ticket: TicketArgument, url: UrlOption = None, token: TokenOption = None, version: SeenOption = None
) -> None:
    """Open a ticket again."""
    _do(desk, "reopen", ticket, {}, url, token, version)


def act(
    desk: Desk,
    name: Annotated[str, typer.Argument(help="The act, as the API calls it: mark-spam, merge …")],
    ticket: TicketArgument,
    given: Annotated[str, typer.Argument(help="What it takes, as a JSON object.")] = "{}",
    url: UrlOption = None,
    token: TokenOption = None,
    version: SeenOption = None,
) -> None:
    """Do any act that the API knows (`deskstream openapi` shows what each takes)."""
    try:
        wanted = json.loads(given)
    except ValueError:
        wanted = None
    if not isinstance(wanted, dict) or not name.replace("-", "").isalpha():
        raise ConfigError("give the name of an act, and what it takes as a JSON object")
    _do(desk, name, ticket, wanted, url, token, version)


def _do(
    desk: Desk,
    name: str,
    ticket: str,
    given: Mapping[str, object],
    url: str | None,
    token: str | None,
    version: int | None,
    *,
    files: Sequence[Path] = (),
) -> None:
    from ticketing.api_client import client_of

    if not ticket.isalnum():
        raise ConfigError(f"{ticket} is no ticket's number or id")
    client, key = client_of(desk.options, url, token), f"cli:{uuid4().hex}"
    wanted: dict[str, Any] = dict(given)
    if wanted.get("owner") == "me":
        wanted["owner"] = client.get("/me")[0]["id"]
    if files:
        wanted["attachments"] = [client.hand_in(file, f"{key}:{n}") for n, file in enumerate(files)]
    seen = f'"{version}"' if version else f'"{client.get(f"/tickets/{ticket}")[0]["version"]}"'
    done = client.post(f"/tickets/{ticket}/{name}", wanted, {"Idempotency-Key": key, "If-Match": seen})
    if desk.as_json:
        print_one(done["ticket"], as_json=True)
    else:
        told = ", ".join(event["type"].removeprefix("ticket.").replace("_", " ") for event in done["events"])
        console().print(f"Ticket #{done['ticket']['number']}: {told or 'nothing changed'}.")


def _changes(named: Mapping[str, object], clear: Sequence[str] | None) -> dict[str, object]:
    given = {name: value for name, value in named.items() if value is not None and value != []}
    for name in clear or ():
        field = {"tag": "tags", "due-at": "due_at"}.get(name, name)
        if field not in named:
            raise ConfigError(f"--clear: one of {', '.join(named)}, not {name}")
        given[field] = [] if field == "tags" else None
    return given


def _read(text: str) -> str:
    return sys.stdin.read() if text == "-" else text
