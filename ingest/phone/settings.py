"""The settings of `phone`."""

from collections.abc import Mapping
from typing import Annotated, Literal, TypeAlias

from pydantic import Field, SecretStr, StringConstraints, model_validator

from ingest.contract import TYPE
from ingest.intake.settings import PROVIDERS_RATES, Rates, WebSettings
from ingest.standard_webhooks import key_of

Provider: TypeAlias = Literal["placetel", "sipgate", "generic", "exotel", "twilio"]
SIGNING: frozenset[Provider] = frozenset({"placetel", "twilio"})
"""They sign what they send; `generic` may, the others are known by an address that nobody else has, or a password."""
RECORDING_HOSTS: Mapping[Provider, tuple[str, ...]] = {
    "twilio": ("twilio.com", "twiliocdn.com"),
    "exotel": ("exotel.com", "exotel.in"),
}


class PhoneSettings(WebSettings):
    """`[connectors.NAME]` with `type = "phone"`."""

    type: Literal["phone"] = Field(default="phone", description=TYPE)
    provider: Provider = Field(description="Whose webhooks come: placetel, sipgate, generic, exotel or twilio.")
    signing_secret: SecretStr | None = Field(
        default=None,
        min_length=5,
        description="What they sign with: Placetel's shared secret, Twilio's auth token, or for `generic` a key of "
        "Standard Webhooks (`whsec_…`).",
    )
    path_secret: SecretStr | None = Field(
        default=None, min_length=16, description="The last part of the address, for systems that sign nothing."
    )
    username: str | None = Field(default=None, description="Of HTTP basic authentication, in place of `path_secret`.")
    password: SecretStr | None = Field(default=None, min_length=8, description="The same user's password.")
    numbers: list[str] = Field(default=[], description="Our own numbers; they tell incoming calls from outgoing ones.")
    region: Annotated[str, StringConstraints(pattern=r"^[A-Z]{2}$")] | None = Field(
        default=None, description="The country whose national numbers are meant, as `DE`; else the provider's."
    )
    account_sid: str | None = Field(default=None, description="Twilio's account, with which recordings are fetched.")
    fetch_recordings: bool = Field(default=True, description="Whether recordings are kept here.")
    recording_hosts: list[str] = Field(
        default=[], description="Hosts, with all below them, that recordings are fetched from; else the provider's."
    )
    inside: list[str] = Field(
        default=[], description="Origins of telephone systems in your own network: `http://10.0.0.7:8080`."
    )
    recording_timeout: float = Field(default=8.0, gt=0, le=15, description="Seconds for a recording.")
    max_recording_bytes: int = Field(default=10 * 1024 * 1024, ge=1024, description="Longer ones stay where they are.")
    rates: Rates = Field(default=PROVIDERS_RATES, description="How often the webhook may be called.")

    @model_validator(mode="after")
    def _pairs(self) -> "PhoneSettings":
        if (self.username is None) != (self.password is None):
            raise ValueError("username and password belong together")
        if self.signing_secret is not None and self.provider == "generic":
            key_of(self.signing_secret)
        elif self.signing_secret is not None and self.provider not in SIGNING:
            raise ValueError(f"signing_secret: {self.provider} signs nothing; use path_secret")
        return self

    @property
    def missing(self) -> str | None:
        """What is missing without which nobody can be told from a stranger; None: nothing."""
        if self.provider in SIGNING:
            return None if self.signing_secret else "signing_secret"
        return None if self.path_secret or self.password or self.signing_secret else "path_secret"
