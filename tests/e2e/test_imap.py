"""A mailbox beside a running desk: mail becomes a ticket, its confirmation leaves by SMTP, the answer joins."""

import email
import smtplib
import time
import uuid
from email.message import EmailMessage
from email.policy import default
from pathlib import Path

import pytest
from imapclient import IMAPClient

from tests.certificates import Certificates
from tests.conftest import Mailbox
from tests.e2e.running import Up
from tests.ingest.connector_process import connector_process, write_config

pytestmark = pytest.mark.stack


def letter(customer: str, to: str, subject: str, text: str) -> EmailMessage:
    mail = EmailMessage()
    mail["From"], mail["To"], mail["Subject"] = customer, to, subject
    mail["Message-ID"] = f"<{uuid.uuid4().hex}@customer.example>"
    mail.set_content(text)
    return mail


def deliver(greenmail: Mailbox, mailbox: str, mail: EmailMessage) -> None:
    with smtplib.SMTP(greenmail.host, greenmail.smtp) as client:
        client.sendmail(str(mail["From"]), [mailbox], mail.as_bytes())


def arrived(greenmail: Mailbox, address: str) -> EmailMessage:
    """The first mail in a customer's mailbox."""
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline:
        with IMAPClient(greenmail.host, greenmail.imap, ssl=False) as client:
            client.login(address, "any")
            client.select_folder("INBOX", readonly=True)
            for values in client.fetch(client.search(), ["BODY.PEEK[]"]).values():
                found = email.message_from_bytes(values[b"BODY[]"], policy=default)
                assert isinstance(found, EmailMessage)
                return found
        time.sleep(0.2)
    raise AssertionError(f"no mail for {address}")


def test_a_connector_that_is_added_beside_a_running_desk(
    up: Up, greenmail: Mailbox, certificates: Certificates, tmp_path: Path
) -> None:
    """The desk was never told of it: its section stands in the connector's own configuration only."""
    name = f"box-{uuid.uuid4().hex[:8]}"
    desk, customer = f"{name}@desk.example", f"ann-{uuid.uuid4().hex[:8]}@customer.example"
    section: dict[str, object] = {
        "type": "email-imap",
        "addresses": [desk],
        "host": greenmail.host,
        "port": greenmail.imaps,
        "ca_file": str(certificates.authority),
        "username": desk,
        "password": "any",
        "smtp": {"default": {"host": greenmail.host, "port": greenmail.smtp, "security": "none"}},
    }
    config = write_config(tmp_path / "box", **{name: section})
    question = letter(customer, desk, "Where is my parcel?", "It has not come yet, please have a look at it.\n")
    deliver(greenmail, desk, question)
    with connector_process(name, data=up.data, config=config):
        confirmation = arrived(greenmail, customer)
        assert confirmation["In-Reply-To"] == question["Message-ID"]
        up.verify()
        ticket = next(t for t in up.json("tickets", "list") if t["subject"] == "Where is my parcel?")
        assert str(ticket["number"]) in confirmation["Subject"]
        # a provider delivers what goes to a plus-address into the mailbox itself
        reply_to = confirmation["Reply-To"].addresses[0].addr_spec
        assert reply_to.startswith(f"{name}+")
        deliver(greenmail, desk, letter(customer, reply_to, "another subject", "It came today.\n"))
        deliver(greenmail, desk, question)  # twice in the mailbox: one message
        deadline = time.monotonic() + 120
        while True:
            shown = up.json("tickets", "show", str(ticket["number"]))[0]
            if len(shown["messages"]) == 2 or time.monotonic() > deadline:
                break
            time.sleep(0.3)
        assert len(shown["messages"]) == 2
        up.verify()
    assert len(up.json("tickets", "show", str(ticket["number"]))[0]["messages"]) == 2
