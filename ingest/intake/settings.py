"""What every connector with HTTP routes may set."""

from pydantic import Field

from bus.settings import Section
from ingest.contract import ConnectorSettings


class Rates(Section):
    """`[connectors.NAME.rates]`: how often its routes may be called; beyond it 429 with `Retry-After`, nothing taken.

    `per_source`: requests a minute of one address (IPv6: of one /64), of which `burst` may come at once.
    `per_second`: requests of all sources together.
    """

    per_source: int = Field(default=60, ge=1)
    burst: int = Field(default=30, ge=1)
    per_second: int = Field(default=2_000, ge=1)


PROVIDERS_RATES = Rates(per_source=60_000, burst=2_000)
"""For webhooks: few sources, each of which speaks for many customers and has a signature."""


class WebSettings(ConnectorSettings):
    """`rates`: see Rates. Settings of a row with `web` derive from this."""

    rates: Rates = Rates()
