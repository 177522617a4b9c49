"""The Graph API, asked with the page's token."""

import contextlib
import hashlib
import hmac
import json
from collections.abc import Mapping
from typing import Any

from bus.errors import Retryable
from ingest.contract import Refused
from ingest.facebook.error_codes import UNANSWERABLE, meaning_of
from ingest.facebook.settings import FacebookSettings
from ingest.providers.http import Answer, ProviderHttp, failed

_WAIT = 300.0
_LONGEST_WAIT = 3600.0
_NOT_THERE = (100, 33)


class Repeated(Exception):
    """Facebook has this very text already (506)."""


class Graph:
    """Every question carries the proof that we hold the app's secret, so that a stolen token alone is worth nothing."""

    def __init__(self, settings: FacebookSettings) -> None:
        token = settings.page_token.get_secret_value()
        secret = settings.app_secret.get_secret_value()
        self.version = settings.api_version
        self._proof = hmac.new(secret.encode(), token.encode(), hashlib.sha256).hexdigest()
        self._http = ProviderHttp(
            settings.graph_url, headers={"Authorization": f"Bearer {token}"}, timeout=settings.timeout
        )

    async def get(self, path: str, params: Mapping[str, str] | None = None) -> Answer:
        """A good answer. Raises Retryable, and Refused for what does not exist."""
        return self._good(await self._ask("GET", path, params))

    async def gone(self, id_: str) -> bytes | None:
        """The answer that says so, when a post or comment is not there any more. Raises Retryable."""
        answer = await self._ask("GET", id_, {"fields": "id"})
        error = answer.json.get("error")
        if isinstance(error, dict) and (error.get("code"), error.get("error_subcode")) == _NOT_THERE:
            return answer.body
        with contextlib.suppress(Refused, Repeated):
            self._good(answer)
        return None

    async def comment(self, target: str, message: str, picture: tuple[str, bytes, str] | None = None) -> str:
        """The id of the new comment. Raises Retryable, Refused, Uncertain and Repeated."""
        answer = await self._http.ask(
            "POST",
            f"/{self.version}/{target}/comments",
            params={"appsecret_proof": self._proof},
            form={"message": message},
            files={"source": picture} if picture else None,
            sending=True,
        )
        return str(self._good(answer).json.get("id") or "")

    async def message(self, page: str, person: str, text: str, how: Mapping[str, str]) -> str:
        """The id of a new message in Messenger; `how`: its `messaging_type` and tag. Raises as `comment`."""
        answer = await self._http.ask(
            "POST",
            f"/{self.version}/{page}/messages",
            params={"appsecret_proof": self._proof},
            json_body={"recipient": {"id": person}, "message": {"text": text}, **how},
            sending=True,
        )
        return str(self._good(answer).json.get("message_id") or "")

    async def close(self) -> None:
        """Hang up."""
        await self._http.close()

    async def _ask(self, method: str, path: str, params: Mapping[str, str] | None) -> Answer:
        return await self._http.ask(
            method, f"/{self.version}/{path}", params={**(params or {}), "appsecret_proof": self._proof}
        )

    def _good(self, answer: Answer) -> Answer:
        error = answer.json.get("error")
        if isinstance(error, dict):
            never = UNANSWERABLE.get((error.get("code"), error.get("error_subcode")))
            raise Refused(f"Facebook: {never}") if never else self._raised(answer, error)
        if answer.status != 200:
            raise failed(answer, "the Graph API")
        return answer

    def _raised(self, answer: Answer, error: Mapping[str, Any]) -> Exception:
        code = error.get("code") if isinstance(error.get("code"), int) else None
        text = f"Facebook: error {code}/{error.get('error_subcode', 0)} {error.get('type', '')}"
        meaning = meaning_of(code)
        if meaning == "sign_in":
            return Retryable(f"{text}: the token is not valid any more, sign in again", kind="auth", after=_WAIT)
        if meaning == "permission":
            return Retryable(f"{text}: the app lacks a permission", kind="permission", after=_WAIT)
        if meaning == "wait":
            seconds = regained_in(answer.headers) or _WAIT
            self._http.wait(seconds)
            return Retryable(f"{text}: too many questions, waiting {seconds:.0f} s", kind="quota", after=seconds)
        if meaning == "refused":
            return Refused(text)
        if meaning == "repeated":
            return Repeated(text)
        return Retryable(text)


def regained_in(headers: Mapping[str, str]) -> float | None:
    """Seconds until we may ask again, by `X-Business-Use-Case-Usage` (minutes); None when it does not say."""
    try:
        usage = json.loads(headers.get("x-business-use-case-usage", ""))
        minutes = max(int(each["estimated_time_to_regain_access"]) for listed in usage.values() for each in listed)
    except (ValueError, TypeError, KeyError, AttributeError):
        return None
    return min(minutes * 60.0, _LONGEST_WAIT) or None
