"""How a connector comes to an access token."""

from datetime import date
from pathlib import Path
from typing import Literal
from urllib.parse import urlsplit

from pydantic import Field, SecretStr, field_validator, model_validator

from bus.settings import Section
from ingest.this_machine import on_this_machine


class OAuth2Settings(Section):
    """`[connectors.NAME.oauth2]`: the application as it is registered with the provider."""

    token_url: str = Field(description="the provider's token endpoint")
    grant: Literal["refresh_token", "client_credentials"] = Field(
        default="refresh_token",
        description="a person's consent, kept as a refresh token, or the application's own right",
    )
    client_id: str = Field(min_length=1, description="the application's id")
    client_secret: SecretStr | None = Field(default=None, description="its secret (or `client_secret_file`)")
    refresh_token: SecretStr | None = Field(
        default=None,
        description="what the consent gave (or `refresh_token_file`); one that the provider has put in its place is "
        "kept in DIR/tokens and used until you configure another",
    )
    scope: str = Field(default="", description="what is asked for, separated by blanks")
    mechanism: Literal["XOAUTH2", "OAUTHBEARER"] = Field(default="XOAUTH2", description="how the token is presented")
    expires_on: date | None = Field(
        default=None,
        description="the day on which somebody has to renew the secret or the consent; warned of 14 days ahead",
    )
    ca_file: Path | None = Field(default=None, description="whom to trust for the token endpoint's certificate")

    @field_validator("token_url")
    @classmethod
    def _protected(cls, url: str) -> str:
        parts = urlsplit(url)
        if not parts.hostname or parts.scheme not in ("https", "http"):
            raise ValueError("is no URL such as https://login.example/token")
        if parts.scheme == "http" and not on_this_machine(parts.hostname):
            raise ValueError("must begin with https://")
        return url

    @model_validator(mode="after")
    def _whole(self) -> "OAuth2Settings":
        if self.grant == "refresh_token" and self.refresh_token is None:
            raise ValueError('grant = "refresh_token" needs refresh_token(_file)')
        if self.grant == "client_credentials" and self.client_secret is None:
            raise ValueError('grant = "client_credentials" needs client_secret(_file)')
        return self
