"""When the page's token ends (`/debug_token`), for the connector's status, which warns of it two weeks before."""

import time
from collections.abc import Callable
from datetime import UTC, datetime

from bus.errors import Retryable
from ingest.contract import Place
from ingest.facebook.settings import FacebookSettings
from ingest.providers.http import ProviderHttp

_EVERY = 6 * 3600.0


class TokenWatch:
    """Looks four times a day; it needs `app_id`."""

    def __init__(
        self,
        settings: FacebookSettings,
        place: Place,
        *,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._settings = settings
        self._place = place
        self._clock = clock
        self._next = 0.0

    async def look(self) -> None:
        """Ask when it is time; a failure is left to the next look, as what is asked with the token will say it."""
        if self._settings.app_id is None or self._clock() < self._next:
            return
        app = f"{self._settings.app_id}|{self._settings.app_secret.get_secret_value()}"
        http = ProviderHttp(
            self._settings.graph_url, headers={"Authorization": f"Bearer {app}"}, timeout=self._settings.timeout
        )
        try:
            answer = await http.ask(
                "GET",
                f"/{self._settings.api_version}/debug_token",
                params={"input_token": self._settings.page_token.get_secret_value()},
            )
        except Retryable:
            return
        finally:
            await http.close()
        told = answer.json.get("data")
        if not isinstance(told, dict):
            return
        self._next = self._clock() + _EVERY
        ends = [told.get("expires_at"), told.get("data_access_expires_at")]
        times = [datetime.fromtimestamp(each, UTC) for each in ends if isinstance(each, int) and each > 0]
        self._place.source.credential_expires_at = min(times, default=None)
        valid = told.get("is_valid") is not False
        problem = None if valid else "the token is not valid any more, sign in again"
        self._place.health.set(f"{self._place.name}: token", problem)
