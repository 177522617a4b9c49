"""What every connector with HTTP routes may set."""

from pydantic import Field

from bus.settings import Section
from ingest.contract import ConnectorSettings


class Rates(Section):
    """`[connectors.NAME.rates]`: how often its routes may be called; beyond it 429, and nothing is taken."""

    per_source: int = Field(default=60, ge=1, description="requests a minute of one address (of IPv6: of one /64)")
    burst: int = Field(default=30, ge=1, description="how many of them may come at once")
    per_second: int = Field(default=2_000, ge=1, description="requests a second of all addresses together")


PROVIDERS_RATES = Rates(per_source=60_000, burst=2_000)
"""For webhooks: few sources, each of which speaks for many customers and has a signature."""


class WebSettings(ConnectorSettings):
    """Settings of a row with `web` derive from this."""

    rates: Rates = Field(default=Rates(), description="how often its routes may be called; beyond it 429")
