"""Every endpoint, asked by everybody, about what is of his department and what is not: against `walk.tsv`.

A cell says what is answered: `ok` (it is let through, whatever comes of it then), or the status that keeps it out.
An endpoint that is not in the table fails, and so does a line whose endpoint is gone.
"""

import asyncio
import csv
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import httpx
import pytest
from pydantic import SecretStr

from bus.message import Attachment
from bus.settings import DatabaseSettings, Settings
from bus.ticket_state import TicketState
from deploy.figures_in_api import figures
from deploy.openapi import openapi
from tests.ticketing.api.house import FOREIGN, OWN, TEAM, House, key
from tests.ticketing.mails import mail
from ticketing.api.app import api
from ticketing.people.policy import Role

pytestmark = pytest.mark.stack

TABLE = Path(__file__).with_name("walk.tsv")
ASKERS = [*(str(role) for role in Role), "nobody"]
KEPT_OUT = {401: "401", 403: "403", 404: "404"}

BODIES: Mapping[str, Mapping[str, Any]] = {
    "reply": {"text": "Thank you."},
    "comment": {"text": "A note."},
    "update": {"subject": "Another"},
    "assign": {"owner": "nobody"},
    "merge": {"other": 1},
    "split": {"messages": ["none"]},
    "move-message": {"message": "none", "to": 1},
    "add-participant": {"address": "eve@customer.example"},
    "remove-participant": {"address": "eve@customer.example"},
    "add-attachment": {"name": "a", "media_type": "text/plain", "blob": f"sha256/{'0' * 64}", "size": 1},
    "tickets": {"contact": {"email": "eve@customer.example"}, "subject": "A", "text": "B"},
    "to-ticket": {"message": "none"},
    "login": {"email": "nobody@desk.example", "password": "wrong"},
    "password": {"old": "wrong", "password": "a long enough one"},
    "tokens": {"name": "a"},
}
"""What acts take that take something."""


class Line(NamedTuple):
    """An endpoint, and whether what it is about is of one's own department (`-`: it is of none)."""

    method: str
    path: str
    department: str


def endpoints() -> list[tuple[str, str]]:
    """All there are, figures included."""
    return [(method.upper(), path) for path, methods in openapi()["paths"].items() for method in methods]


def lines() -> Iterator[Line]:
    """What the table has to have."""
    for method, path in endpoints():
        for department in ("own", "foreign") if "{ticket}" in path else ("-",):
            yield Line(method, path, department)


def table() -> dict[Line, dict[str, str]]:
    """What it has."""
    with TABLE.open(newline="") as file:
        rows = csv.DictReader(file, delimiter="\t")
        return {Line(row["method"], row["path"], row["department"]): row for row in rows}


def test_every_endpoint_is_in_the_table_and_nothing_else() -> None:
    assert set(table()) == set(lines())


async def test_the_walk(house: House) -> None:
    blob = await house.inside.blobs.put(b"bytes")
    file = Attachment(name="a.txt", media_type="text/plain", size=5, sha256=blob.partition("/")[2], blob=blob)
    places = {
        name: Place.of(name, await house.ticket(f"walk-{name}", connector=f"{department}-mail", attachments=[file]))
        for name, department in {"own": OWN, "foreign": FOREIGN}.items()
    }
    settings = Settings(database=DatabaseSettings(url=SecretStr(house.url)))
    stop = asyncio.Event()
    stop.set()  # streams end at once
    application = api(house.inside, figures(settings)(house.inside, stop))
    found: dict[Line, dict[str, str]] = {}
    for line in lines():
        place = places["own" if line.department == "-" else line.department]
        found[line] = {}
        for asker in ASKERS:
            headers = {}
            if asker != "nobody":
                ends = line.path.endswith("/logout")
                token = await house.another_token(asker) if ends else house.tokens[asker]
                headers["Authorization"] = f"Bearer {token}"
            # an address of its own for each, so that nobody is held up for another's failed logins
            transport = httpx.ASGITransport(application, client=(f"10.9.9.{ASKERS.index(asker)}", 1))
            async with httpx.AsyncClient(transport=transport, base_url="http://desk", headers=headers) as client:
                response = await client.send(_request(client, line, place, house.ids[Role.AGENT]))
            assert response.status_code < 500 or response.status_code == 503, f"{line} {asker}: {response.text}"
            if response.status_code >= 400:
                assert response.headers["content-type"] == "application/problem+json", f"{line} {asker}"
            found[line][asker] = KEPT_OUT.get(response.status_code, "ok")
    wanted = {line: {asker: row[asker] for asker in ASKERS} for line, row in table().items()}
    if found != wanted:
        _write(found)
    assert found == wanted


class Place(NamedTuple):
    """What a ticket's paths name."""

    ticket: str
    message: str
    contact: str
    account: str

    @classmethod
    def of(cls, name: str, ticket: TicketState) -> "Place":
        """Of the ticket that the mail `walk-NAME` opened."""
        message = mail(f"walk-{name}").message_id
        return cls(str(ticket.number), message, ticket.contact_id or "", ticket.account_id or "")


def _request(client: httpx.AsyncClient, line: Line, place: Place, agent: str) -> httpx.Request:
    named = {
        "ticket": place.ticket,
        "entry": place.message,
        "attachment": f"message-{place.message}-0",
        "contact": place.contact,
        "account": place.account,
        "agent": agent,
        "department": OWN,
        "team": TEAM,
        "token": "0" * 16,
        "key": "desk",
        "figure": "total",
    }
    path = line.path
    for name, value in named.items():
        path = path.replace(f"{{{name}}}", value)
    headers = key() | {"If-Match": '"999"'} if line.method == "POST" else {}
    body = BODIES.get(line.path.rpartition("/")[2], {}) if line.method != "GET" else None
    return client.build_request(line.method, path, json=body, headers=headers)


def _write(found: Mapping[Line, Mapping[str, str]]) -> None:
    with TABLE.with_suffix(".actual.tsv").open("w", newline="") as file:
        writer = csv.writer(file, delimiter="\t", lineterminator="\n")
        writer.writerow(["method", "path", "department", *ASKERS])
        writer.writerows([*line, *(cells[asker] for asker in ASKERS)] for line, cells in found.items())
