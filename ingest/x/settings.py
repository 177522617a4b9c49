"""The settings of `x`."""

from decimal import Decimal
from typing import Annotated, Literal

from pydantic import Field, SecretStr, StringConstraints

from bus.settings import Section
from ingest.contract import TYPE
from ingest.intake.settings import PROVIDERS_RATES, Rates, WebSettings
from ingest.providers.addresses import BaseUrl

Money = Annotated[Decimal, Field(ge=0, max_digits=18, decimal_places=6)]


class Prices(Section):
    """`[connectors.NAME.prices]`: what X charges, in the currency of `monthly_budget`."""

    post_read: Money = Field(default=Decimal("0.005"), description="For each post of an answer.")
    user_read: Money = Field(default=Decimal("0.010"), description="For each user of an answer.")
    request: Money = Field(default=Decimal(0), description="For each question, whatever it brings.")
    post_written: Money = Field(default=Decimal("0.010"), description="For each post of ours.")
    file_uploaded: Money = Field(default=Decimal(0), description="For each picture of ours.")
    post_with_link: Money = Field(default=Decimal("0.200"), description="For each post of ours with a link in it.")


class XSettings(WebSettings):
    """`[connectors.NAME]` with `type = "x"`."""

    type: Literal["x"] = Field(default="x", description=TYPE)
    user_id: Annotated[str, StringConstraints(pattern=r"^[0-9]{1,25}$")] = Field(
        description="The account's number; what it posts is never taken for a customer's."
    )
    username: Annotated[str, StringConstraints(pattern=r"^@?[A-Za-z0-9_]{1,15}$")] = Field(
        description="The account's name, with or without @."
    )
    consumer_key: SecretStr = Field(min_length=8, description="The app's API key.")
    consumer_secret: SecretStr = Field(min_length=8, description="The app's API secret; signs webhooks as well.")
    access_token: SecretStr = Field(min_length=8, description="The account's token for this app, read and write.")
    access_token_secret: SecretStr = Field(min_length=8, description="The secret of that token.")
    webhook: bool = Field(
        default=False, description="Whether account activity is sent to us; an alarm is raised when X does not call."
    )
    monthly_budget: Money = Field(description="What a calendar month (UTC) may cost in all.")
    currency: str = Field(default="USD", description="What the money is called; it only stands in the status.")
    reserved_for_replies: Money = Field(default=Decimal(0), description="The part of it that no reading uses up.")
    prices: Prices = Field(default=Prices(), description="What X charges.")
    poll_every: float = Field(default=60.0, gt=0, description="Seconds between two looks while money suffices.")
    slowest: float = Field(default=3600.0, gt=0, description="Seconds between two looks when little is left.")
    page: int = Field(default=100, ge=5, le=100, description="Posts of one look at most.")
    fetch_media: bool = Field(default=True, description="Whether pictures and films are kept here.")
    media_hosts: list[str] = Field(
        default=["twimg.com"], description="Hosts, with all below them, that media are fetched from."
    )
    inside: list[str] = Field(default=[], description="Origins in your own network that media are fetched from, too.")
    max_thread: int = Field(
        default=10, ge=1, le=25, description="Posts of one answer at most; a longer one is refused."
    )
    api_url: BaseUrl = Field(default="https://api.x.com", description="Where the API is.")
    timeout: float = Field(default=20.0, gt=0, le=50, description="Seconds for one request to X.")
    rates: Rates = Field(default=PROVIDERS_RATES, description="How often the webhook may be called.")

    @property
    def own(self) -> list[str]:
        """What the account is called."""
        return [self.user_id, self.username.lstrip("@")]
