"""A mailbox on a server that is not ours (GreenMail), under TLS: what SMTP delivers is read, announced and moved."""

import smtplib
import uuid
from email.message import EmailMessage
from pathlib import Path

import pytest
from imapclient import IMAPClient

from bus.message import NormalizedMessage
from bus.raw import RawMessage
from normalize.mail import normalize_mail
from normalize.outcome import Understood
from tests.certificates import Certificates
from tests.conftest import Mailbox
from tests.ingest.imap.mailbox_rig import Rig, mail, until


@pytest.fixture
def address() -> str:
    return f"{uuid.uuid4().hex}@desk.example"


def deliver(greenmail: Mailbox, address: str, content: bytes) -> None:
    with smtplib.SMTP(greenmail.host, greenmail.smtp) as client:
        client.sendmail("ana@customer.example", [address], content)


def understood(raw: RawMessage, content: bytes) -> NormalizedMessage:
    (found,) = normalize_mail(raw, content)
    assert isinstance(found, Understood)
    return found.message


def flags(greenmail: Mailbox, address: str, folder: str = "INBOX") -> list[tuple[bytes, ...]]:
    with IMAPClient(greenmail.host, greenmail.imap, ssl=False) as client:
        client.login(address, "any")
        client.select_folder(folder, readonly=True)
        return [values[b"FLAGS"] for values in client.fetch(client.search(), ["FLAGS"]).values()]


async def test_what_is_delivered_is_read_marked_and_announced(
    greenmail: Mailbox, certificates: Certificates, address: str, tmp_path: Path
) -> None:
    deliver(greenmail, address, mail(1))
    given = {"security": "tls", "ca_file": certificates.authority, "username": address, "poll_every": 3_600}
    async with Rig(tmp_path, greenmail.imaps, **given).running() as rig:
        await until(lambda: len(rig.mails) == 1)
        await until(lambda: rig.place.source.last_success_at is not None)
        deliver(greenmail, address, mail(2))
        await until(lambda: len(rig.mails) == 2)
        await until(lambda: [rb"\Seen" in each for each in flags(greenmail, address)] == [True, True])
    assert [content.endswith(mail(n).partition(b"\r\n\r\n")[2]) for n, content in enumerate(rig.contents, 1)]


async def test_mails_move_to_a_folder(greenmail: Mailbox, address: str, tmp_path: Path) -> None:
    deliver(greenmail, address, mail(1))
    given = {"username": address, "when_taken": "move", "move_to": "Taken ✓"}
    async with Rig(tmp_path, greenmail.imap, **given).running() as rig:
        await until(lambda: len(rig.mails) == 1)
        await until(lambda: not flags(greenmail, address))
        assert len(flags(greenmail, address, "Taken ✓")) == 1


async def test_a_mailbox_that_is_forwarded_to_us_keeps_author_and_id(
    greenmail: Mailbox, address: str, tmp_path: Path
) -> None:
    """A forwarding rule writes another envelope and fields on top, and leaves the mail as it was."""
    original = EmailMessage()
    original["From"] = "Bo Customer <bo@customer.example>"
    original["To"] = "old-support@elsewhere.example"
    original["Subject"] = "it is broken"
    original["Message-ID"] = "<original@customer.example>"
    original.set_content("please help")
    forwarded = (
        b"Resent-From: old-support@elsewhere.example\r\n"
        b"X-Forwarded-To: " + address.encode() + b"\r\n"
        b"Delivered-To: old-support@elsewhere.example\r\n" + original.as_bytes()
    )
    with smtplib.SMTP(greenmail.host, greenmail.smtp) as client:
        client.sendmail("SRS0=x=customer.example=bo@elsewhere.example", [address], forwarded)
    async with Rig(tmp_path, greenmail.imap, username=address).running() as rig:
        await until(lambda: len(rig.mails) == 1)
    message = understood(rig.mails[0], rig.contents[0])
    assert (message.author.address, message.author.name) == ("bo@customer.example", "Bo Customer")
    assert message.source_id == "original@customer.example"
    assert str(message.reply_text).strip() == "please help"


async def test_the_same_mail_has_the_same_id_whatever_uid_it_has(
    greenmail: Mailbox, address: str, tmp_path: Path
) -> None:
    """So a mailbox that is renumbered, or whose cursor is lost, is read again without doubling a ticket."""
    deliver(greenmail, address, mail(1))
    rig = Rig(tmp_path, greenmail.imap, username=address)
    async with rig.running():
        await until(lambda: len(rig.mails) == 1)
    with IMAPClient(greenmail.host, greenmail.imap, ssl=False) as client:
        client.login(address, "any")
        client.select_folder("INBOX")
        client.copy([1], "INBOX")
        client.delete_messages([1])
        client.expunge()
    rig.cursors.stored.clear()
    async with rig.running():
        await until(lambda: len(rig.mails) == 2)
    first, second = (understood(raw, content) for raw, content in zip(rig.mails, rig.contents, strict=True))
    assert rig.mails[0].headers[":uid"] != rig.mails[1].headers[":uid"]
    assert first.message_id == second.message_id
