"""A mailbox beside a running desk: mail becomes a ticket, its confirmation leaves by SMTP, the answer joins."""

import email
import smtplib
import time
import uuid
from collections.abc import Iterator
from email.message import EmailMessage
from email.policy import default
from pathlib import Path

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope, Session

from deploy.embedded import ports
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


class Customers:
    """A mail server that keeps what comes (aiosmtpd: GreenMail takes no null return path)."""

    def __init__(self) -> None:
        self.mails: list[EmailMessage] = []

    async def handle_DATA(self, _server: SMTP, _session: Session, envelope: Envelope) -> str:  # noqa: N802  # its name
        """Take it."""
        assert isinstance(envelope.content, bytes)
        found = email.message_from_bytes(envelope.content, policy=default)
        assert isinstance(found, EmailMessage)
        self.mails.append(found)
        return "250 taken"


@pytest.fixture
def customers() -> Iterator[tuple[Customers, int]]:
    """The server and its port."""
    inbox, (port,) = Customers(), ports.take(1)
    controller = Controller(inbox, hostname="127.0.0.1", port=port, ready_timeout=60)
    controller.start()
    yield inbox, port
    controller.stop()


def arrived(customers: Customers, address: str, log: Path) -> EmailMessage:
    """The first mail to a customer. Raises AssertionError with the end of the connector's log."""
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline:
        for mail in customers.mails:
            if mail["To"].addresses[0].addr_spec == address:
                return mail
        time.sleep(0.1)
    raise AssertionError(f"no mail for {address}; the log ends:\n{log.read_text()[-4_000:]}")


def test_a_connector_that_is_added_beside_a_running_desk(
    up: Up,
    greenmail: Mailbox,
    certificates: Certificates,
    customers: tuple[Customers, int],
    tmp_path: Path,
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
        "smtp": {"default": {"host": greenmail.host, "port": customers[1], "security": "none"}},
    }
    config = write_config(tmp_path / "box", **{name: section})
    question = letter(customer, desk, "Where is my parcel?", "It has not come yet, please have a look at it.\n")
    deliver(greenmail, desk, question)
    with connector_process(name, data=up.data, config=config):
        confirmation = arrived(customers[0], customer, up.data / f"{name}.log")
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
