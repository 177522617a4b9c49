"""The settings of an SMTP server that mail leaves by."""

import ssl
from pathlib import Path
from typing import Literal

from pydantic import Field, SecretStr, model_validator

from bus.errors import ConfigError
from bus.settings import Section
from ingest.oauth2.settings import OAuth2Settings
from ingest.this_machine import on_this_machine


class OutgoingServer(Section):
    """`[connectors.NAME.smtp."support@desk.example"]`, or `.smtp.default` for every other From address.

    The certificate is always verified.
    """

    host: str = Field(min_length=1, description="the server")
    port: int = Field(default=587, ge=1, le=65535, description="its port")
    security: Literal["starttls", "tls", "none"] = Field(
        default="starttls",
        description="`starttls` (must be offered), `tls` from the first byte, or `none`, which takes no password or "
        "token except on this machine",
    )
    username: str | None = Field(default=None, description="who signs in; with a password or with oauth2")
    password: SecretStr | None = Field(default=None, description="of `username` (or `password_file`)")
    oauth2: OAuth2Settings | None = Field(
        default=None,
        description="a token instead of a password (XOAUTH2), of a consent of its own",
    )
    ca_file: Path | None = Field(default=None, description="whom to trust for the server's certificate")
    hostname: str = Field(default="localhost", description="what we call ourselves")
    timeout: float = Field(
        default=15.0,
        gt=0,
        le=15.0,
        description="seconds for connecting, and for the envelope; the answer to a mail gets twice that",
    )

    @model_validator(mode="after")
    def _whole(self) -> "OutgoingServer":
        if self.password is not None and self.oauth2 is not None:
            raise ValueError("give either password(_file) or a section oauth2")
        signs_in = self.password is not None or self.oauth2 is not None
        if (self.username is None) == signs_in:
            raise ValueError("username and password(_file), or username and a section oauth2, go together")
        if self.oauth2 is not None and self.oauth2.mechanism != "XOAUTH2":
            raise ValueError('mail leaves with mechanism = "XOAUTH2" only')
        if signs_in and self.security == "none" and not on_this_machine(self.host):
            raise ValueError('a password or token needs security = "starttls" or "tls"')
        return self

    def tls_context(self, where: str) -> ssl.SSLContext | None:
        """What certificates are verified with. Raises ConfigError when `ca_file` cannot be used."""
        if self.security == "none":
            return None
        try:
            return ssl.create_default_context(cafile=str(self.ca_file) if self.ca_file else None)
        except (OSError, ssl.SSLError) as error:
            raise ConfigError(f"{where}: ca_file: cannot use {self.ca_file}: {error}") from None
