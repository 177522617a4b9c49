"""The settings of `email-smtp`."""

from ipaddress import IPv4Network, IPv6Network
from pathlib import Path
from typing import Literal

from pydantic import Field, model_validator

from bus.settings import Section
from ingest.contract import TYPE, ConnectorSettings
from ingest.outgoing_server import OutgoingServer
from ingest.plain_address import PlainAddress


class Timeouts(Section):
    """`[connectors.NAME.timeouts]`, in seconds."""

    command: float = Field(default=300.0, gt=0, description="seconds of silence between two commands")
    data: float = Field(default=600.0, gt=0, description="seconds for the bytes of one mail")
    emit: float = Field(
        default=20.0, gt=0, le=60, description="seconds for Kafka's acknowledgement; then the reply is 451"
    )


class EmailSmtpSettings(ConnectorSettings):
    """`[connectors.NAME]` with `type = "email-smtp"`."""

    type: Literal["email-smtp"] = Field(default="email-smtp", description=TYPE)
    addresses: list[PlainAddress] = Field(
        min_length=1,
        description="whose mail is accepted, with every plus-form; the first one is what answers come from",
    )
    host: str = Field(default="127.0.0.1", description="the address to listen on")
    port: int = Field(default=2525, ge=0, le=65535, description="the port to listen on; 0 takes a free one")
    hostname: str = Field(default="localhost", description="what we call ourselves")
    max_message_bytes: int = Field(default=25 * 1024 * 1024, ge=1024, description="a larger mail is refused (552)")
    max_sessions: int = Field(default=200, ge=1, description="sessions at once")
    max_sessions_per_address: int = Field(default=20, ge=1, description="of them from one address")
    max_recipients: int = Field(default=100, ge=1, description="recipients of one mail")
    timeouts: Timeouts = Field(default=Timeouts(), description="how long who sends may take")
    tls_cert_file: Path | None = Field(default=None, description="certificate chain; with it STARTTLS is offered")
    tls_key_file: Path | None = Field(default=None, description="its key, if it is not in the same file")
    require_starttls: bool = Field(default=False, description="take mail under TLS only")
    authserv_id: str | None = Field(
        default=None, description="the server in front of us whose `Authentication-Results` are believed"
    )
    trusted_networks: list[IPv4Network | IPv6Network] = Field(
        default=[], description="where that server is: what others say of senders is not believed"
    )
    smtp: dict[str, OutgoingServer] = Field(
        default={},
        description="by From address, or `default`: the server that answers leave by; without any they are written to "
        "DIR/outbox",
    )

    @model_validator(mode="after")
    def _whole(self) -> "EmailSmtpSettings":
        if self.require_starttls and not self.tls_cert_file:
            raise ValueError("require_starttls needs tls_cert_file")
        if self.tls_key_file and not self.tls_cert_file:
            raise ValueError("tls_key_file needs tls_cert_file")
        return self
