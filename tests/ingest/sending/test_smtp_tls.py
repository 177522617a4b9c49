"""Sending to a server that speaks TLS (aiosmtpd, not ours): protected before anything is said, or not at all."""

import asyncio
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Literal

import pytest
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session
from pydantic import SecretStr

from bus.blobs import FolderBlobs
from bus.errors import Retryable
from ingest.contract import Sender
from ingest.outgoing_server import OutgoingServer
from ingest.smtp_out import smtp_sender
from tests.certificates import Certificates
from tests.ingest.sending.replies import a_reply

pytestmark = pytest.mark.filterwarnings("ignore:Requiring AUTH while not requiring TLS")  # it means its own STARTTLS

Security = Literal["starttls", "tls"]


class Inbox:
    """What came, and how."""

    def __init__(self) -> None:
        self.protected: list[bool] = []
        self.logins: list[tuple[bytes, bytes]] = []

    async def handle_DATA(self, server: SMTP, _: Session, envelope: Envelope) -> str:  # noqa: N802  # its name
        """Take it."""
        assert envelope.rcpt_tos == ["ana@customer.example"]
        assert server.transport
        self.protected.append(server.transport.get_extra_info("sslcontext") is not None)
        return "250 taken"

    def login(self, *given: Any) -> AuthResult:  # noqa: ANN401  # as aiosmtpd calls it
        """Let everybody in."""
        data = given[-1]
        assert isinstance(data, LoginPassword)
        self.logins.append((data.login, data.password))
        return AuthResult(success=True)


@asynccontextmanager
async def serving(inbox: Inbox, certificates: Certificates, security: Security) -> AsyncIterator[int]:
    """The port of a server that takes mail under TLS and after a login only."""
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(certificates.chain, certificates.key)
    early = security == "tls"

    def session() -> SMTP:
        return SMTP(
            inbox,
            tls_context=None if early else context,
            require_starttls=not early,
            auth_require_tls=not early,  # it does not take TLS from the first byte for TLS
            auth_required=True,
            authenticator=inbox.login,
        )

    loop = asyncio.get_running_loop()
    server = await loop.create_server(session, "127.0.0.1", 0, ssl=context if early else None)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()


def sender_to(port: int, security: Security, folder: Path, **more: object) -> Sender:
    given = {"host": "127.0.0.1", "username": "u", "password": SecretStr("geheim"), "timeout": 5.0} | more
    server = OutgoingServer.model_validate({"port": port, "security": security} | given)
    return smtp_sender("support-mail", {"default": server}, "support@desk.example", FolderBlobs(folder), folder)


@pytest.mark.parametrize("security", ["starttls", "tls"])
async def test_login_and_mail_travel_protected(security: Security, certificates: Certificates, tmp_path: Path) -> None:
    inbox = Inbox()
    async with serving(inbox, certificates, security) as port:
        sender = sender_to(port, security, tmp_path, ca_file=certificates.authority)
        for _ in range(2):
            await sender.send(a_reply())
        await sender.close()
    assert inbox.logins == [(b"u", b"geheim")]
    assert inbox.protected == [True, True]


@pytest.mark.parametrize("security", ["starttls", "tls"])
async def test_who_cannot_prove_his_name_hears_neither_password_nor_mail(
    security: Security, certificates: Certificates, tmp_path: Path
) -> None:
    inbox = Inbox()
    async with serving(inbox, certificates, security) as port:
        sender = sender_to(port, security, tmp_path)
        with pytest.raises(Retryable, match=r"certificate cannot be verified .* set ca_file") as caught:
            await sender.send(a_reply())
        await sender.close()
        assert "geheim" not in str(caught.value)
    assert (inbox.logins, inbox.protected) == ([], [])


async def test_a_certificate_for_another_name_is_refused(certificates: Certificates, tmp_path: Path) -> None:
    inbox = Inbox()
    async with serving(inbox, certificates, "tls") as port:
        sender = sender_to(port, "tls", tmp_path, ca_file=certificates.authority, host="127.0.0.2")
        with pytest.raises(Retryable):
            await sender.send(a_reply())
        await sender.close()
    assert (inbox.logins, inbox.protected) == ([], [])
