"""The settings of `facebook`."""

from typing import Annotated, Literal

from pydantic import Field, SecretStr, StringConstraints

from ingest.contract import TYPE
from ingest.intake.settings import PROVIDERS_RATES, Rates, WebSettings
from ingest.providers.addresses import BaseUrl


class FacebookSettings(WebSettings):
    """`[connectors.NAME]` with `type = "facebook"`."""

    type: Literal["facebook"] = Field(default="facebook", description=TYPE)
    page_id: Annotated[str, StringConstraints(pattern=r"^[0-9]{1,32}$")] = Field(
        description="The page's id; what it writes itself is never taken for a customer's."
    )
    page_token: SecretStr = Field(
        min_length=8, description="A page access token: pages_read_user_content, pages_manage_engagement."
    )
    app_secret: SecretStr = Field(min_length=8, description="The app's secret: signs webhooks and our own questions.")
    app_id: str | None = Field(default=None, description="The app's id; with it the token's expiry is watched.")
    verify_token: SecretStr | None = Field(
        default=None, min_length=8, description="The word Facebook says when it first calls the webhook."
    )
    human_agent: bool = Field(
        default=False,
        description="Whether Facebook has granted the app *Human Agent*: agents answer in Messenger for seven days, "
        "else for 24 hours.",
    )
    poll_every: float = Field(default=300.0, gt=0, description="Seconds between two looks for what no webhook told.")
    look_back_days: int = Field(default=7, ge=1, le=60, description="How old posts are whose comments are looked at.")
    graph_url: BaseUrl = Field(default="https://graph.facebook.com", description="Where the Graph API is.")
    api_version: Annotated[str, StringConstraints(pattern=r"^v[0-9]{1,2}\.[0-9]$")] = Field(
        default="v23.0", description="The version of the Graph API."
    )
    timeout: float = Field(default=20.0, gt=0, le=50, description="Seconds for one request to the Graph API.")
    rates: Rates = Field(default=PROVIDERS_RATES, description="How often the webhook may be called.")
