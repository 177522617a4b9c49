"""The settings of an SMTP server that mail leaves by."""

import ssl
from ipaddress import ip_address
from pathlib import Path
from typing import Literal

from pydantic import Field, SecretStr, model_validator

from bus.errors import ConfigError
from bus.settings import Section


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
        if self.password is not None and self.security == "none" and not on_this_machine(self.host):
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


def on_this_machine(host: str) -> bool:
    """Whether what is said to this host never leaves the machine."""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
