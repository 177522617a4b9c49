"""`[intake]`: the server that customers' browsers and providers' webhooks reach."""

from ipaddress import IPv4Network, IPv6Network
from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict, Field


def _public(value: str) -> str:
    if not value.startswith(("https://", "http://")) or "?" in value or "#" in value:
        raise ValueError(f"{value!r} is no address such as https://desk.example.com")
    return value.rstrip("/")


class IntakeSettings(BaseModel):
    """`host`, `port`: where it listens (0: a free port); TLS is the proxy's in front of it.

    `public_url`: its address as browsers and providers know it, without `/in`; pages, scripts and signed addresses are
    built with it. `trusted_proxies`: networks whose X-Forwarded-For and X-Forwarded-Proto are believed.
    `max_connections`, `max_connections_per_source` (trusted proxies are not counted).
    `max_bytes_in_memory`: of all bodies that are being received.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    host: str = "127.0.0.1"
    port: int = Field(default=8701, ge=0, le=65535)
    public_url: Annotated[str, AfterValidator(_public)] | None = None
    trusted_proxies: list[IPv4Network | IPv6Network] = []
    max_connections: int = Field(default=5_000, ge=1)
    max_connections_per_source: int = Field(default=100, ge=1)
    max_bytes_in_memory: int = Field(default=256 * 1024 * 1024, ge=1024 * 1024)
