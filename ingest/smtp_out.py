"""Sending mail by SMTP: own server per From address."""

from collections.abc import Callable, Mapping
from pathlib import Path

from aiosmtplib import SMTP

from bus.blobs import BlobStore
from bus.errors import ConfigError
from bus.reply import Reply
from ingest.contract import Refused, Sender
from ingest.oauth2.access import Access
from ingest.outgoing_mail import outgoing_mail
from ingest.outgoing_server import OutgoingServer
from ingest.smtp_connection import SmtpConnection

DEFAULT = "default"


def smtp_sender(
    connector: str, servers: Mapping[str, OutgoingServer], own: str, blobs: BlobStore, tokens: Path
) -> Sender:
    """The sender by these servers, by From address or `default`. Raises ConfigError when `own` has none.

    `own`: the address that mail comes from when a reply names none. `tokens`: the folder that rotated refresh tokens
    are kept in.
    """
    where = f"[connectors.{connector}.smtp]"
    if DEFAULT not in servers and own.lower() not in {address.lower() for address in servers}:
        raise ConfigError(f"{where}: no server for {own}; add [connectors.{connector}.smtp.default]")
    connections = {}
    for address, server in servers.items():
        named = address.lower()
        access = Access(server.oauth2, tokens / f"{connector}.smtp.{named}.json") if server.oauth2 else None
        connections[named] = SmtpConnection(
            f"{server.host}:{server.port}", _client(server, f"{where} {address}", access), server.timeout, access=access
        )
    return SmtpSender(connections, own, blobs)


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


def _client(server: OutgoingServer, where: str, access: Access | None) -> Callable[[], SMTP]:
    context = server.tls_context(where)

    def make() -> SMTP:
        return SMTP(
            hostname=server.host,
            port=server.port,
            username=server.username,
            password=server.password.get_secret_value() if server.password else None,
            oauth_token_generator=access.token if access else None,
            local_hostname=server.hostname,
            timeout=server.timeout,
            use_tls=server.security == "tls",
            start_tls=server.security == "starttls",
            tls_context=context,
        )

    return make
