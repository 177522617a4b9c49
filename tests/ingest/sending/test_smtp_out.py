"""Sending by SMTP: what each answer, and each silence, means for a reply."""

import asyncio
import email
import email.policy
import imaplib
import uuid
from collections.abc import Mapping
from pathlib import Path

import pytest
from aiosmtpd import smtp as aiosmtpd
from aiosmtplib import SMTP
from pydantic import SecretStr

from bus.blobs import FolderBlobs
from bus.errors import ConfigError, Retryable
from bus.reply import Recipient, ReplyAttachment
from bus.validated import validated
from ingest.contract import Refused, Sender, Uncertain
from ingest.mail_message import compose
from ingest.outgoing_server import OutgoingServer
from ingest.smtp.settings import EmailSmtpSettings
from ingest.smtp_connection import SmtpConnection
from ingest.smtp_out import SmtpSender, smtp_sender
from tests.conftest import Mailbox
from tests.ingest.sending.replies import a_reply
from tests.ingest.sending.scripted_server import CUT, SILENCE, scripted

OWN = "support@desk.example"


def sender_to(port: int, tmp_path: Path, *, timeout: float = 5.0) -> Sender:
    server = OutgoingServer(host="127.0.0.1", port=port, security="none", timeout=timeout)
    return smtp_sender("support-mail", {"default": server}, OWN, FolderBlobs(tmp_path), tmp_path)


async def test_a_real_server_delivers_what_we_meant(greenmail: Mailbox, tmp_path: Path) -> None:
    blobs = FolderBlobs(tmp_path)
    address = f"ana-{uuid.uuid4().hex}@customer.example"
    data = bytes(range(256)) * 300
    attachment = ReplyAttachment(
        name="relatório.bin", media_type="application/x-test", blob=await blobs.put(data), size=1
    )
    server = OutgoingServer(host=greenmail.host, port=greenmail.smtp, security="none")
    sender = smtp_sender("support-mail", {"default": server}, OWN, blobs, tmp_path)
    reply = a_reply(
        purpose="reply",
        automatic=False,  # GreenMail knows no null return path: it answers 503 to the RCPT that follows
        recipient=Recipient(kind="email", address=address),
        text=".\n..\nOlá\n",
        subject="受付 #7",
        attachments=[attachment],
    )
    assert await sender.send(reply) == reply.message_id
    assert await sender.send(reply.model_copy(update={"text": "second"})) == reply.message_id
    await sender.close()
    found = await asyncio.to_thread(_fetch, greenmail, address)
    assert len(found) == 2
    message = email.message_from_bytes(found[0], policy=email.policy.default)
    assert message["subject"] == "受付 #7"
    body = message.get_body(("plain",))
    assert body is not None
    assert body.get_content().replace("\r\n", "\n") == ".\n..\nOlá\n"
    (file,) = message.iter_attachments()
    assert (file.get_filename(), file.get_content()) == ("relatório.bin", data)


class _Inbox:
    def __init__(self) -> None:
        self.envelopes: list[aiosmtpd.Envelope] = []

    async def handle_DATA(self, *given: object) -> str:  # noqa: N802  # its name
        envelope = given[2]
        assert isinstance(envelope, aiosmtpd.Envelope)
        self.envelopes.append(envelope)
        return "250 taken"


async def test_a_confirmation_reaches_a_real_server_with_a_null_return_path(tmp_path: Path) -> None:
    inbox = _Inbox()
    server = await asyncio.get_running_loop().create_server(lambda: aiosmtpd.SMTP(inbox), "127.0.0.1", 0)
    sender = sender_to(server.sockets[0].getsockname()[1], tmp_path)
    await sender.send(a_reply())
    await sender.close()
    server.close()
    (envelope,) = inbox.envelopes
    assert (envelope.mail_from, envelope.rcpt_tos) == ("<>", ["ana@customer.example"])
    assert envelope.content == compose(a_reply(), OWN).content


def _fetch(greenmail: Mailbox, address: str) -> list[bytes]:
    with imaplib.IMAP4(greenmail.host, greenmail.imap) as client:
        client.login(address, "any")
        client.select("INBOX")
        _, (numbers,) = client.search(None, "ALL")
        return [client.fetch(n.decode(), "(RFC822)")[1][0][1] for n in numbers.split()]  # type: ignore[index,misc]


@pytest.mark.parametrize(
    ("answers", "error"),
    [
        ({"GREETING": b"554 go away"}, Retryable),
        ({"GREETING": CUT}, Retryable),
        ({"GREETING": SILENCE}, Retryable),
        ({"EHLO": b"500 what", "HELO": b"500 what"}, Retryable),
        ({"MAIL": b"451 later"}, Retryable),
        ({"MAIL": b"550 not you"}, Refused),
        ({"MAIL": CUT}, Retryable),
        ({"RCPT": b"450 greylisted"}, Retryable),
        ({"RCPT": b"550 5.1.1 no such user"}, Refused),
        ({"RCPT": SILENCE}, Retryable),
        ({"DATA": b"421 closing"}, Retryable),
        ({"DATA": b"554 no"}, Refused),
        ({"DATA": b"250 nonsense"}, Retryable),
        ({"DATA": CUT}, Retryable),
        ({".": b"451 disk full"}, Retryable),
        ({".": b"552 too large"}, Refused),
        ({".": b"nonsense"}, Uncertain),
        ({".": CUT}, Uncertain),
        ({".": SILENCE}, Uncertain),
    ],
)
async def test_what_an_answer_means(answers: Mapping[str, bytes], error: type[Exception], tmp_path: Path) -> None:
    async with scripted(answers) as server:
        sender = sender_to(server.port, tmp_path, timeout=0.3)
        with pytest.raises(error) as caught:
            await sender.send(a_reply())
        assert f"127.0.0.1:{server.port}" in str(caught.value)
        assert "\n" not in str(caught.value)
        await sender.close()


async def test_no_connection_is_certainly_not_accepted(tmp_path: Path) -> None:
    async with scripted() as server:
        port = server.port
    with pytest.raises(Retryable, match="cannot connect"):
        await sender_to(port, tmp_path).send(a_reply())


async def test_a_connection_lost_before_the_final_dot_is_certainly_not_accepted(tmp_path: Path) -> None:
    """The mail is larger than what the two kernels hold, so the dot cannot have been written."""
    async with scripted(cut_inside=1_000) as server:
        sender = sender_to(server.port, tmp_path)
        with pytest.raises(Retryable):
            await sender.send(a_reply(text="x" * 90 + "\n" + ("y" * 90 + "\n") * 300_000))
        await sender.close()


async def test_mails_share_a_connection_and_a_refusal_does_not_end_it(tmp_path: Path) -> None:
    async with scripted() as server:
        sender = sender_to(server.port, tmp_path)
        await sender.send(a_reply())
        server.answers["RCPT"] = b"550 no"
        with pytest.raises(Refused):
            await sender.send(a_reply())
        del server.answers["RCPT"]
        await sender.send(a_reply())
        await sender.close()
        assert server.connections == 1
        assert len(server.mails) == 2
        assert server.verbs[-1] == "QUIT"


async def test_a_connection_that_the_server_has_closed_meanwhile_is_made_anew(tmp_path: Path) -> None:
    async with scripted({".": b"250 ok"}) as server:
        sender = sender_to(server.port, tmp_path)
        await sender.send(a_reply())
        server.once["MAIL"] = CUT
        await sender.send(a_reply())
        await sender.close()
        assert server.connections == 2
        assert len(server.mails) == 2


async def test_a_silent_server_is_waited_for_once_and_then_left_alone_for_a_while(tmp_path: Path) -> None:
    now = 0.0
    async with scripted({"GREETING": SILENCE}) as server:
        connection = SmtpConnection(
            "scripted",
            lambda: SMTP(hostname="127.0.0.1", port=server.port, start_tls=False, local_hostname="us"),
            0.2,
            clock=lambda: now,
        )
        sender = SmtpSender({"default": connection}, OWN, FolderBlobs(tmp_path))
        for _ in range(10):
            with pytest.raises(Retryable):
                await sender.send(a_reply())
        assert server.connections == 1
        del server.answers["GREETING"]
        now = 11.0
        await sender.send(a_reply())
        await sender.close()
        assert len(server.mails) == 1


@pytest.mark.parametrize("size", [10, 300_000])
async def test_dots_are_stuffed_and_the_envelope_is_null_for_what_is_automatic(size: int, tmp_path: Path) -> None:
    async with scripted(extensions="SIZE 9999999") as server:
        sender = sender_to(server.port, tmp_path)
        await sender.send(a_reply(text=".a\n..\n" + "x\n" * size))
        await sender.send(a_reply(purpose="reply", automatic=False))
        await sender.close()
        mail = server.mails[0]
        assert b"\r\n..a\r\n...\r\nx\r\n" in mail
        assert mail.endswith(b"\r\nx\r\n.\r\n")
        envelopes = [verb for verb in server.verbs if verb.startswith(("MAIL", "RCPT"))]
        stuffing = 2
        assert envelopes[0] == f"MAIL FROM:<> SIZE={len(mail) - 3 - stuffing}"
        assert envelopes[1] == "RCPT TO:<ana@customer.example>"
        assert envelopes[2].startswith("MAIL FROM:<support@desk.example> SIZE=")


async def test_each_from_address_leaves_by_its_own_server(tmp_path: Path) -> None:
    async with scripted() as one, scripted() as other:
        servers = {
            address: OutgoingServer(host="127.0.0.1", port=server.port, security="none")
            for address, server in {"support@desk.example": one, "Sales@desk.example": other}.items()
        }
        sender = smtp_sender("support-mail", servers, OWN, FolderBlobs(tmp_path), tmp_path)
        await sender.send(a_reply())
        await sender.send(a_reply(from_address="sales@desk.example"))
        with pytest.raises(Refused, match=r"no SMTP server is configured for mail from other@desk\.example"):
            await sender.send(a_reply(from_address="other@desk.example"))
        await sender.close()
        assert (len(one.mails), len(other.mails)) == (1, 1)


async def test_an_address_that_is_not_ascii_needs_a_server_that_takes_it(tmp_path: Path) -> None:
    reply = a_reply(recipient=Recipient(kind="email", address="jörg@customer.example"))
    for extensions, taken in (("SMTPUTF8", True), ("", False)):
        async with scripted(extensions=extensions) as server:
            sender = sender_to(server.port, tmp_path)
            if taken:
                await sender.send(reply)
                assert "RCPT TO:<jörg@customer.example>" in server.verbs
            else:
                with pytest.raises(Refused):
                    await sender.send(reply)
                assert not server.mails
            await sender.close()


async def test_without_starttls_nothing_is_said_to_a_server_that_must_have_it(tmp_path: Path) -> None:
    async with scripted() as server:
        given = OutgoingServer(host="127.0.0.1", port=server.port, username="u", password=SecretStr("geheim"))
        sender = smtp_sender("support-mail", {"default": given}, OWN, FolderBlobs(tmp_path), tmp_path)
        with pytest.raises(Retryable, match="STARTTLS") as caught:
            await sender.send(a_reply())
        await sender.close()
        assert "geheim" not in str(caught.value)
        assert not [verb for verb in server.verbs if verb.startswith(("AUTH", "MAIL"))]


async def test_a_refused_login_is_deferred_and_tells_no_secret(tmp_path: Path) -> None:
    async with scripted({"AUTH": b"535 no: geheim"}, extensions="AUTH PLAIN") as server:
        given = OutgoingServer(
            host="127.0.0.1", port=server.port, security="none", username="u", password=SecretStr("geheim")
        )
        sender = smtp_sender("support-mail", {"default": given}, OWN, FolderBlobs(tmp_path), tmp_path)
        with pytest.raises(Retryable, match="login was refused") as caught:
            await sender.send(a_reply())
        assert "geheim" not in str(caught.value)
        await sender.close()


async def test_an_attachment_that_is_gone_fails_the_reply(tmp_path: Path) -> None:
    gone = ReplyAttachment(name="a", media_type="text/plain", blob=f"sha256/{'0' * 64}", size=1)
    async with scripted() as server:
        sender = sender_to(server.port, tmp_path)
        with pytest.raises(Refused, match="missing"):
            await sender.send(a_reply(attachments=[gone]))
        with pytest.raises(Refused, match="too large"):
            await sender.send(a_reply(attachments=[gone.model_copy(update={"size": 10**9})]))
        assert not server.verbs


SECTION = {"type": "email-smtp", "addresses": ["support@desk.example"]}


def test_a_password_may_come_from_a_file(tmp_path: Path) -> None:
    (tmp_path / "password").write_text("geheim\n")
    server = {"host": "smtp.desk.example", "username": "u", "password_file": str(tmp_path / "password")}
    settings = validated(EmailSmtpSettings, SECTION | {"smtp": {"support@desk.example": server}}, "[connectors.m]")
    password = settings.smtp["support@desk.example"].password
    assert password is not None
    assert password.get_secret_value() == "geheim"
    assert "geheim" not in repr(settings)


@pytest.mark.parametrize(
    ("server", "says"),
    [
        ({"host": "h", "usrname": "u"}, "unknown key smtp.default.usrname; did you mean username?"),
        ({"host": "h", "username": "u"}, "username and password"),
        ({"host": "h", "security": "none", "username": "u", "password": "geheim"}, "needs security"),
        ({"host": "h", "timeout": 60}, "smtp.default.timeout"),
    ],
)
def test_a_wrong_setting_is_named(server: Mapping[str, object], says: str) -> None:
    with pytest.raises(ConfigError) as caught:
        validated(EmailSmtpSettings, SECTION | {"smtp": {"default": server}}, "[connectors.m]")
    assert says in str(caught.value)
    assert "geheim" not in str(caught.value)


def test_a_server_for_our_own_address_must_be_there_and_its_certificates_readable(tmp_path: Path) -> None:
    blobs = FolderBlobs(tmp_path)
    with pytest.raises(ConfigError, match=r"no server for support@desk\.example"):
        smtp_sender("m", {"sales@desk.example": OutgoingServer(host="h")}, OWN, blobs, tmp_path)
    with pytest.raises(ConfigError, match="ca_file"):
        smtp_sender("m", {"default": OutgoingServer(host="h", ca_file=tmp_path / "none.pem")}, OWN, blobs, tmp_path)
