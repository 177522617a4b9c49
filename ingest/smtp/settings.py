"""The settings of `email-smtp`."""

from ipaddress import IPv4Network, IPv6Network
from pathlib import Path
from typing import Literal

from pydantic import Field, model_validator

from bus.settings import Section
from ingest.contract import ConnectorSettings
from ingest.outgoing_server import OutgoingServer
from ingest.plain_address import PlainAddress


class Timeouts(Section):
    """`[connectors.NAME.timeouts]`, in seconds.

    `command`: silence between two commands. `data`: for the bytes of one mail. `emit`: for Kafka's
    acknowledgement; then the reply is 451.
    """

    command: float = Field(default=300.0, gt=0)
    data: float = Field(default=600.0, gt=0)
    emit: float = Field(default=20.0, gt=0, le=60)


class EmailSmtpSettings(ConnectorSettings):
    """`[connectors.NAME]` with `type = "email-smtp"`.

    `addresses`: whose mail is accepted, with every plus-form. `authserv_id`: the trusted server in front of us
    whose Authentication-Results are believed, when the mail comes from one of `trusted_networks`.
    `smtp`: by From address, or `default`, the server that answers leave by; without any they are written to
    DIR/outbox.
    """

    type: Literal["email-smtp"] = "email-smtp"
    addresses: list[PlainAddress] = Field(min_length=1)
    host: str = "127.0.0.1"
    port: int = Field(default=2525, ge=0, le=65535)
    hostname: str = "localhost"
    max_message_bytes: int = Field(default=25 * 1024 * 1024, ge=1024)
    max_sessions: int = Field(default=200, ge=1)
    max_sessions_per_address: int = Field(default=20, ge=1)
    max_recipients: int = Field(default=100, ge=1)
    timeouts: Timeouts = Timeouts()
    tls_cert_file: Path | None = None
    tls_key_file: Path | None = None
    require_starttls: bool = False
    authserv_id: str | None = None
    trusted_networks: list[IPv4Network | IPv6Network] = []
    smtp: dict[str, OutgoingServer] = {}

    @model_validator(mode="after")
    def _whole(self) -> "EmailSmtpSettings":
        if self.require_starttls and not self.tls_cert_file:
            raise ValueError("require_starttls needs tls_cert_file")
        if self.tls_key_file and not self.tls_cert_file:
            raise ValueError("tls_key_file needs tls_cert_file")
        return self
