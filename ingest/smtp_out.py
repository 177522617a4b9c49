"""Sending mail by SMTP: own server per From address."""

import ssl
from collections.abc import Callable, Mapping
from ipaddress import ip_address
from pathlib import Path
from typing import Literal

from aiosmtplib import SMTP
from pydantic import Field, SecretStr, model_validator

from bus.errors import ConfigError
from bus.reply import Reply
from bus.settings import Section
from ingest.blobs import BlobStore
from ingest.contract import Refused, Sender
from ingest.outbox_folder import OutboxFolder
from ingest.outgoing_mail import outgoing_mail
from ingest.smtp_connection import SmtpConnection

DEFAULT = "default"


class OutgoingServer(Section):
    """`[connectors.NAME.smtp."support@desk.example"]`, or `.smtp.default` for every other From address.

    `security`: `starttls` (must be offered), `tls` from the first byte, or `none`, which takes no password except
    on this machine. The certificate is always verified, against `ca_file` if given. `hostname` is what we call
    ourselves. `timeout`, in seconds: for connecting, and for the envelope; the answer to a mail gets twice that.
    """

    host: str = Field(min_length=1)
    port: int = Field(default=587, ge=1, le=65535)
    security: Literal["starttls", "tls", "none"] = "starttls"
    username: str | None = None
    password: SecretStr | None = None
    ca_file: Path | None = None
    hostname: str = "localhost"
    timeout: float = Field(default=15.0, gt=0, le=15.0)

    @model_validator(mode="after")
    def _whole(self) -> "OutgoingServer":
        if (self.username is None) != (self.password is None):
            raise ValueError("username and password(_file) go together")
        if self.password is not None and self.security == "none" and not _on_this_machine(self.host):
            raise ValueError('a password needs security = "starttls" or "tls"')
        return self

    def tls_context(self, where: str) -> ssl.SSLContext | None:
        """What certificates are verified with. Raises ConfigError when `ca_file` cannot be used."""
        if self.security == "none":
            return None
        try:
            return ssl.create_default_context(cafile=str(self.ca_file) if self.ca_file else None)
        except (OSError, ssl.SSLError) as error:
            raise ConfigError(f"{where}: ca_file: cannot use {self.ca_file}: {error}") from None


def mail_sender(
    connector: str, servers: Mapping[str, OutgoingServer], own: str, folder: Path, blobs: BlobStore
) -> Sender:
    """The sender of a mail connector: SMTP when a server is configured, else the outbox folder. Raises ConfigError.

    `own`: the address that mail comes from when a reply names none.
    """
    if not servers:
        return OutboxFolder(folder, own, blobs)
    where = f"[connectors.{connector}.smtp]"
    if DEFAULT not in servers and own.lower() not in {address.lower() for address in servers}:
        raise ConfigError(f"{where}: no server for {own}; add [connectors.{connector}.smtp.default]")
    return SmtpSender(
        {
            address.lower(): SmtpConnection(
                f"{server.host}:{server.port}", _client(server, f"{where} {address}"), server.timeout
            )
            for address, server in servers.items()
        },
        own,
        blobs,
    )


class SmtpSender:
    """Sender by SMTP. `connections`: by From address in lower case; `default` serves all others."""

    idempotent = False

    def __init__(self, connections: Mapping[str, SmtpConnection], own: str, blobs: BlobStore) -> None:
        self._connections = connections
        self._own = own
        self._blobs = blobs

    async def send(self, reply: Reply) -> str:
        """See Sender; the provider's id is the mail's Message-ID."""
        address = (reply.from_address or self._own).lower()
        connection = self._connections.get(address) or self._connections.get(DEFAULT)
        if connection is None:
            raise Refused(f"no SMTP server is configured for mail from {address}")
        mail = await outgoing_mail(reply, self._own, self._blobs)
        await connection.deliver(mail)
        return mail.message_id

    async def close(self) -> None:
        """Hang up; the next `send` connects again."""
        for connection in self._connections.values():
            await connection.close()


def _client(server: OutgoingServer, where: str) -> Callable[[], SMTP]:
    context = server.tls_context(where)

    def make() -> SMTP:
        return SMTP(
            hostname=server.host,
            port=server.port,
            username=server.username,
            password=server.password.get_secret_value() if server.password else None,
            local_hostname=server.hostname,
            timeout=server.timeout,
            use_tls=server.security == "tls",
            start_tls=server.security == "starttls",
            tls_context=context,
        )

    return make


def _on_this_machine(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
