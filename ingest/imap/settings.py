"""The settings of `email-imap`."""

import ssl
from datetime import date
from pathlib import Path
from typing import Literal

from pydantic import Field, SecretStr, model_validator

from bus.errors import ConfigError
from bus.settings import Section
from ingest.contract import TYPE, ConnectorSettings
from ingest.oauth2.settings import OAuth2Settings
from ingest.outgoing_server import OutgoingServer
from ingest.plain_address import PlainAddress
from ingest.this_machine import on_this_machine

WhenTaken = Literal["mark_seen", "move", "leave"]


class ImapTimeouts(Section):
    """`[connectors.NAME.timeouts]`, in seconds."""

    connect: float = Field(default=15.0, gt=0, description="seconds for a connection")
    read: float = Field(default=60.0, gt=0, description="seconds without a byte from the server")
    turn: float = Field(default=600.0, gt=0, description="seconds for one look at the mailbox, whatever it brings")


class EmailImapSettings(ConnectorSettings):
    """`[connectors.NAME]` with `type = "email-imap"`."""

    type: Literal["email-imap"] = Field(default="email-imap", description=TYPE)
    addresses: list[PlainAddress] = Field(
        min_length=1, description="the mailbox's own addresses; the first one is what answers come from"
    )
    host: str = Field(min_length=1, description="the IMAP server")
    port: int | None = Field(default=None, ge=1, le=65535, description="993, or 143 unless `security` is `tls`")
    security: Literal["tls", "starttls", "none"] = Field(
        default="tls", description="`tls`, `starttls` (must be offered), or `none`, on this machine only"
    )
    ca_file: Path | None = Field(
        default=None, description="whom to trust for the server's certificate, which is always verified"
    )
    username: str = Field(min_length=1, description="who signs in")
    password: SecretStr | None = Field(default=None, description="with a password (or `password_file`)…")
    oauth2: OAuth2Settings | None = Field(default=None, description="… or with a token: see below")
    mailbox: str | None = Field(
        default=None, description="whose mailbox, if not that of `username`: a shared mailbox that it may open"
    )
    folder: str = Field(default="INBOX", min_length=1, description="the folder that is read")
    when_taken: WhenTaken | None = Field(
        default=None,
        description="what becomes of a mail that Kafka has: `mark_seen` (the default), `move`, or `leave` as it is",
    )
    move_to: str | None = Field(default=None, description='the folder for `when_taken = "move"`, made if it is missing')
    read_only: bool = Field(default=False, description="open the mailbox for reading only; nothing is marked or moved")
    since: date | None = Field(
        default=None,
        description="mails that the server received before this day are left alone; by default all are taken",
    )
    max_message_bytes: int = Field(
        default=25 * 1024 * 1024,
        ge=1024,
        description="of a larger mail the header is taken; the rest stays in the mailbox",
    )
    poll_every: float = Field(
        default=60.0, gt=0, description="seconds between two looks; with IDLE the server announces new mail at once"
    )
    idle: bool = Field(default=True, description="use IDLE where the server has it")
    timeouts: ImapTimeouts = Field(default=ImapTimeouts(), description="seconds, see below")
    authserv_id: str | None = Field(
        default=None, description="the receiving server whose `Authentication-Results` are believed"
    )
    smtp: dict[str, OutgoingServer] = Field(
        default={}, description="by From address, or `default`: the server that answers leave by"
    )

    @model_validator(mode="after")
    def _whole(self) -> "EmailImapSettings":
        if (self.password is None) == (self.oauth2 is None):
            raise ValueError("give either password(_file) or a section oauth2")
        if self.security == "none" and not on_this_machine(self.host):
            raise ValueError('a login needs security = "tls" or "starttls"')
        if self.read_only and self.when_taken not in (None, "leave"):
            raise ValueError("read_only leaves mails as they are; remove when_taken")
        if (self.when_taken == "move") != (self.move_to is not None):
            raise ValueError('when_taken = "move" and move_to go together')
        return self

    @property
    def then(self) -> WhenTaken:
        """What becomes of a mail that Kafka has."""
        return "leave" if self.read_only else self.when_taken or "mark_seen"

    def tls_context(self, where: str) -> ssl.SSLContext | None:
        """What the certificate is verified with. Raises ConfigError when `ca_file` cannot be used."""
        if self.security == "none":
            return None
        try:
            return ssl.create_default_context(cafile=str(self.ca_file) if self.ca_file else None)
        except (OSError, ssl.SSLError) as error:
            raise ConfigError(f"{where}: ca_file: cannot use {self.ca_file}: {error}") from None
