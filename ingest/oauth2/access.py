"""An access token that is fresh whenever it is asked for."""

import asyncio
import ssl
import time
from collections.abc import Callable
from pathlib import Path

import httpx
import structlog
from pydantic import SecretStr

from bus.errors import ConfigError, Retryable
from ingest.oauth2.answer import read_answer
from ingest.oauth2.settings import OAuth2Settings
from ingest.oauth2.stored_token import StoredToken

log = structlog.get_logger()

_RENEW_AT = 0.8
"""Of a token's life."""
_PATIENCE = 20.0


class Access:
    """Asks the token endpoint when there is no token, or when the one there is has used up 80 % of its life."""

    def __init__(
        self, settings: OAuth2Settings, token_file: Path, *, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._settings = settings
        self._clock = clock
        self._stored = StoredToken(token_file, settings.refresh_token) if settings.refresh_token else None
        self._token: SecretStr | None = None
        self._renew_at = 0.0
        self._lock = asyncio.Lock()
        try:
            self._tls = ssl.create_default_context(cafile=str(settings.ca_file) if settings.ca_file else None)
        except (OSError, ssl.SSLError) as error:
            raise ConfigError(f"oauth2 ca_file: cannot use {settings.ca_file}: {error}") from None

    @property
    def due(self) -> bool:
        """Whether `token` would ask for a new one."""
        return self._token is None or self._clock() >= self._renew_at

    def reject(self) -> None:
        """The token was refused by whom it was shown to."""
        self._token = None

    async def token(self) -> str:
        """The token. Raises Retryable, whose kind says what an operator has to do."""
        async with self._lock:
            if self.due:
                await self._renew()
            assert self._token is not None
            return self._token.get_secret_value()

    async def _renew(self) -> None:
        asked = self._clock()
        response = await self._ask()
        granted = read_answer(response.status_code, response.content, response.headers.get("retry-after"))
        if granted.refresh_token is not None and self._stored is not None:
            await asyncio.to_thread(self._stored.store, granted.refresh_token)
            log.info("oauth2.refresh_token_rotated")
        self._token, self._renew_at = granted.access_token, asked + _RENEW_AT * granted.life

    async def _ask(self) -> httpx.Response:
        settings = self._settings
        form = {"grant_type": settings.grant, "client_id": settings.client_id, "scope": settings.scope}
        if settings.client_secret is not None:
            form["client_secret"] = settings.client_secret.get_secret_value()
        if settings.grant == "refresh_token" and self._stored is not None:
            form["refresh_token"] = self._stored.load().get_secret_value()
        try:
            async with httpx.AsyncClient(verify=self._tls, timeout=_PATIENCE, follow_redirects=False) as client:
                return await client.post(
                    settings.token_url,
                    data={name: value for name, value in form.items() if value},
                    headers={"accept": "application/json"},
                )
        except httpx.HTTPError as error:
            raise _unreachable(error) from error


def _unreachable(error: httpx.HTTPError) -> Retryable:
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, ssl.SSLCertVerificationError):
            return Retryable(
                f"the token endpoint's certificate cannot be verified ({cause.verify_message}); set ca_file",
                kind="contract",
            )
        cause = cause.__cause__ or cause.__context__
    return Retryable(f"the token endpoint does not answer ({type(error).__name__})")
