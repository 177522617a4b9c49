"""The settings of `chat`."""

from collections.abc import Mapping
from typing import Annotated, Literal, TypeAlias

from pydantic import Field, SecretStr, StringConstraints, field_validator, model_validator

from bus.settings import WorkingHours
from ingest.contract import TYPE
from ingest.forms.definition import Labels
from ingest.forms.identity import LEAST_SECRET
from ingest.forms.languages import LANGUAGES
from ingest.forms.settings import Label, by_language
from ingest.intake.origins import Origin
from ingest.intake.route import KIB, MIB
from ingest.intake.settings import PROVIDERS_RATES, Rates, WebSettings
from ingest.providers.addresses import BaseUrl

Provider: TypeAlias = Literal["window", "telegram", "sms", "slack", "webex"]
Asked: TypeAlias = Literal["name", "email"]
DAY = 86_400.0
API: Mapping[Provider, str] = {
    "telegram": "https://api.telegram.org",
    "sms": "https://api.twilio.com",
    "webex": "https://webexapis.com",
}
WINDOW_RATES = Rates(per_source=600, burst=200)
"""A visitor without WebSockets asks again and again, and many may sit behind one address."""


class ChatSettings(WebSettings):
    """`[connectors.NAME]` with `type = "chat"`: a window on the website, or the webhook of a provider."""

    type: Literal["chat"] = Field(default="chat", description=TYPE)
    provider: Provider = Field(default="window", description="Our own window, telegram, sms (Twilio), slack or webex.")

    allowed_origins: list[Origin] = Field(default=[], description="The sites whose pages may open the window.")
    title: Label = Field(default="", description="Above the window; one text, or one for each language.")
    greeting: Label = Field(default="", description="What the window says first.")
    language: str = Field(default="en", description="For browsers that want none of our languages.")
    ask: list[Asked] = Field(default=["name", "email"], description="What a visitor is asked for before he writes.")
    required: list[Asked] = Field(default=[], description="Which of them must be given.")
    hours: WorkingHours | None = Field(
        default=None, description="When somebody is there; at other times the mail address is asked for."
    )
    ask_email_after: float = Field(
        default=60.0, ge=0, description="Seconds without an answer after which it is asked for; 0: never."
    )
    ask_rating: bool = Field(default=True, description="Whether a visitor who ends it is asked how it was.")
    max_files: int = Field(default=5, ge=0, le=10, description="Files of one message.")
    max_file_bytes: int = Field(default=10 * MIB, ge=KIB, le=50 * MIB, description="The most of one file.")
    mail_after: float = Field(
        default=30.0, ge=1, le=3600, description="Seconds after which an answer that nobody has seen goes by mail."
    )
    wait_for: float = Field(
        default=3 * DAY, ge=60, description="Seconds that it waits for the visitor when no mail address is known."
    )
    session_days: int = Field(default=30, ge=1, le=365, description="How long a conversation can be continued.")
    session_secret: SecretStr | None = Field(default=None, description="Signs the sessions; else made in the folder.")
    session_secret_previous: SecretStr | None = Field(default=None, description="The one before, while it is changed.")
    identity_secret: SecretStr | None = Field(default=None, description="With which the site signs who is logged in.")
    identity_secret_previous: SecretStr | None = Field(default=None, description="The one before.")

    webhook_secret: SecretStr | None = Field(
        default=None, min_length=5, description="What the provider's webhook carries or is signed with."
    )
    token: SecretStr | None = Field(
        default=None, min_length=5, description="Telegram's or Webex's bot token, Twilio's auth token."
    )
    account_sid: str | None = Field(default=None, pattern=r"^[A-Za-z0-9]{1,64}$", description="Twilio's account.")
    numbers: list[str] = Field(default=[], description="Our own numbers, bots and accounts at the provider.")
    region: Annotated[str, StringConstraints(pattern=r"^[A-Z]{2}$")] | None = Field(
        default=None, description="The country whose national numbers are meant."
    )
    fetch_files: bool = Field(default=True, description="Whether files that the provider holds are kept here.")
    api_url: BaseUrl | None = Field(default=None, description="Where the provider's API is, if not where it always is.")

    @field_validator("session_secret", "session_secret_previous", "identity_secret", "identity_secret_previous")
    @classmethod
    def _strong(cls, value: SecretStr | None) -> SecretStr | None:
        if value is not None and len(value.get_secret_value().encode()) < LEAST_SECRET:
            raise ValueError(f"a secret has at least {LEAST_SECRET} bytes")
        return value

    @model_validator(mode="before")
    @classmethod
    def _rates_of_provider(cls, given: object) -> object:
        if isinstance(given, dict) and "rates" not in given:
            own = given.get("provider", "window") == "window"
            return {**given, "rates": (WINDOW_RATES if own else PROVIDERS_RATES).model_dump()}
        return given

    @model_validator(mode="after")
    def _consistent(self) -> "ChatSettings":
        if self.language not in LANGUAGES:
            raise ValueError(f"language: {self.language!r} is none of {', '.join(LANGUAGES)}")
        for name in self.required:
            if name not in self.ask:
                raise ValueError(f"required: {name!r} is not among ask")
        return self

    @property
    def missing(self) -> str | None:
        """What is missing without which nobody can be told from a stranger; None: nothing."""
        match self.provider:
            case "window":
                return None if self.allowed_origins else "allowed_origins"
            case "sms":
                return None if self.token else "token"
            case _:
                return None if self.webhook_secret else "webhook_secret"

    @property
    def identity_secrets(self) -> list[SecretStr]:
        """Those that are believed."""
        return [each for each in (self.identity_secret, self.identity_secret_previous) if each is not None]

    @property
    def titles(self) -> Labels:
        """By language."""
        return by_language(self.title)

    @property
    def greetings(self) -> Labels:
        """By language."""
        return by_language(self.greeting)

    @property
    def api(self) -> str:
        """Where the provider's API is; empty where none is asked."""
        return self.api_url or API.get(self.provider, "")
