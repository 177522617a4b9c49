"""The settings of `forum`."""

from typing import Literal

from pydantic import Field, SecretStr

from ingest.contract import TYPE
from ingest.intake.settings import PROVIDERS_RATES, Rates, WebSettings
from ingest.providers.addresses import BaseUrl


class ForumSettings(WebSettings):
    """`[connectors.NAME]` with `type = "forum"`."""

    type: Literal["forum"] = Field(default="forum", description=TYPE)
    url: BaseUrl = Field(description="The forum's address, as its webhooks call it in X-Discourse-Instance.")
    api_key: SecretStr = Field(description="A key of the user who answers; a moderator's also finds removed posts.")
    api_username: str = Field(min_length=1, description="That user; what it posts is never taken for a customer's.")
    webhook_secret: SecretStr | None = Field(
        default=None, min_length=8, description="The webhook's secret. Without one no webhook is taken, only polled."
    )
    categories: list[int] = Field(default=[], description="Ids of the categories to watch; none: all of them.")
    private_messages: bool = Field(
        default=False, description="Whether personal messages are taken too; webhooks alone tell of them."
    )
    poll_every: float = Field(default=60.0, gt=0, description="Seconds between two looks for what no webhook told.")
    timeout: float = Field(default=20.0, gt=0, le=50, description="Seconds for one request to the forum.")
    rates: Rates = Field(default=PROVIDERS_RATES, description="How often the webhook may be called.")
