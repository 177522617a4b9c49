"""A form and a page, all of it as it runs: a post becomes a ticket, and its customer gets a mail."""

import email
import http.client
import json
import os
import re
import signal
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from email.message import EmailMessage
from email.policy import default
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.running import Up

pytestmark = pytest.mark.stack


def _post(up: Up, path: str, ticket: dict[str, Any], **headers: str) -> dict[str, Any]:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    request = urllib.request.Request(
        up.endpoints()["intake"] + path,
        json.dumps(ticket).encode(),
        {"content-type": "application/json", "accept": "application/json"} | named,
    )
    with urllib.request.urlopen(request, timeout=60) as answer:
        found: dict[str, Any] = json.load(answer)
        return found


def _stamped(up: Up, ticket: dict[str, Any]) -> dict[str, Any]:
    """With what the form gives out, after the time that people take."""
    with urllib.request.urlopen(up.endpoints()["intake"] + "/in/contact/form.json", timeout=60) as answer:
        page = json.load(answer)["html"]
    time.sleep(3.1)
    return ticket | {name: re.findall(rf'name="{name}" value="([^"]+)"', page)[0] for name in ("_stamp", "id")}


def _confirmation(up: Up, address: str) -> EmailMessage:
    mails = (email.message_from_bytes(path.read_bytes(), policy=default) for path in (up.data / "outbox").glob("*.eml"))
    (found,) = [mail for mail in mails if mail["To"].addresses[0].addr_spec == address]
    return found


def test_what_is_posted_twice_and_in_any_order_is_one_confirmed_ticket(up: Up) -> None:
    page = {"email": "page@forms.example", "name": "Pia", "subject": "Panne", "text": "Bonjour, rien ne marche plus.",
            "language": "fr"}  # fmt: skip
    form = _stamped(up, {"email": "form@forms.example", "text": "Where is my order, please? It is three weeks late."})
    first = _post(up, "/in/help/tickets", page, idempotency_key="page-1")
    second = _post(up, "/in/contact/submissions", form)
    assert _post(up, "/in/contact/submissions", form)["reference"] == second["reference"]
    assert _post(up, "/in/help/tickets", page, idempotency_key="page-1") == first
    up.verify()

    for reference, channel, address in (
        (first["reference"], "website", "page@forms.example"),
        (second["reference"], "web_form", "form@forms.example"),
    ):
        (why,) = up.json("tickets", "why", reference)
        ticket = up.json("tickets", "show", str(why["ticket"]))[0]
        assert ticket["channel"] == channel
        assert [event["type"] for event in ticket["history"]][:3] == [
            "ticket.opened",
            "ticket.message_received",
            "ticket.confirmed",
        ]
        assert len(ticket["messages"]) == 1
        confirmation = _confirmation(up, address)
        assert str(ticket["number"]) in confirmation["Subject"]
    assert "Bonjour" in _confirmation(up, "page@forms.example").get_body(("plain",)).get_content()  # type: ignore[union-attr]


def test_a_customer_answers_the_confirmation_by_mail(up: Up, tmp_path: Path) -> None:
    posted = _post(up, "/in/help/tickets", {"email": "again@forms.example", "text": "The lamp is broken."})
    up.verify()
    to = _confirmation(up, "again@forms.example")["Reply-To"].addresses[0].addr_spec
    answer = tmp_path / "answer.eml"
    answer.write_bytes(
        f"From: again@forms.example\r\nTo: {to}\r\nSubject: x\r\nMessage-ID: <f-1@forms.example>\r\n\r\n"
        "And the cable.\r\n".encode()
    )
    up.json("send", str(answer), "--to", to)
    up.verify()
    (why,) = up.json("tickets", "why", posted["reference"])
    messages = up.json("tickets", "show", str(why["ticket"]))[0]["messages"]
    assert [message["channel"] for message in messages] == ["website", "email"]


def test_a_post_that_is_cut_off_by_a_crash_and_repeated_is_one_message(up: Up) -> None:
    tickets = [{"email": f"crash-{n}@forms.example", "text": f"Crash number {n}."} for n in range(8)]
    answered: dict[int, dict[str, Any]] = {}
    for n, ticket in enumerate(tickets):
        if n == 3:
            os.kill(up.pid("connector"), signal.SIGKILL)
        deadline = time.monotonic() + 120
        while n not in answered:
            try:
                answered[n] = _post(up, "/in/help/tickets", ticket, idempotency_key=f"crash-{n}")
            except (OSError, http.client.HTTPException):  # what a customer's server would see, and try again
                assert time.monotonic() < deadline
                time.sleep(0.1)
    up.wait_ready()
    up.verify()
    ids = [answer["message_id"] for answer in answered.values()]
    with up.database() as database:
        filed = database.execute(
            "SELECT count(DISTINCT ticket_id) FROM desk.messages WHERE id = ANY(%s)", (ids,)
        ).fetchone()
    assert filed == (len(tickets),)


def test_a_paused_connector_takes_nothing_until_it_is_resumed(up: Up) -> None:
    ticket = {"email": "pause@forms.example", "text": "Is anybody there?"}
    up.command("connectors", "pause", "help")
    try:
        status = _until(lambda: _status(up, ticket), lambda status: status == 503)
        assert status == 503
        with urllib.request.urlopen(up.endpoints()["intake"] + "/in/contact/", timeout=60) as other:
            assert other.status == 200
    finally:
        up.command("connectors", "resume", "help")
    assert _until(lambda: _status(up, ticket), lambda status: status == 201) == 201


def _status(up: Up, ticket: dict[str, Any]) -> int:
    try:
        _post(up, "/in/help/tickets", ticket, idempotency_key="pause-1")
    except urllib.error.HTTPError as error:
        return error.code
    return 201


def _until(ask: Callable[[], int], enough: Callable[[int], bool]) -> int:
    deadline = time.monotonic() + 120
    while not enough(found := ask()) and time.monotonic() < deadline:
        time.sleep(0.1)
    return found
