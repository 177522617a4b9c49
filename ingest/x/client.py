"""tweepy's client, at the configured address, with a deadline, and its errors in our terms.

tweepy is blocking, so each call runs in a thread; it is used as it is, except that its session sends requests to the
configured address (before they are signed) and does not wait for ever.
"""

import asyncio
import json
import logging
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

import requests
import tweepy

from bus.errors import Retryable
from ingest.contract import Refused, Uncertain
from ingest.providers.waiting import retry_after
from ingest.x.settings import XSettings

# they write the headers of every request, tokens included
for _name in ("tweepy", "requests_oauthlib", "oauthlib"):
    logging.getLogger(_name).setLevel(logging.WARNING)

_OF_TWEEPY = ("https://api.twitter.com", "https://api.x.com")
_OPERATORS = {"oauth1-permissions", "client-forbidden", "unsupported-authentication", "usage-capped"}
"""Problems that an operator can mend: the post itself is not to blame."""
_UPLOAD = "https://api.x.com/2/media/upload"
_ERRORS: Mapping[int, type[tweepy.HTTPException]] = {
    400: tweepy.BadRequest,
    401: tweepy.Unauthorized,
    403: tweepy.Forbidden,
    429: tweepy.TooManyRequests,
}
_UNTOLD = 15 * 60.0
"""X counts questions in windows of fifteen minutes."""


class Repeated(Exception):
    """X has this very text already."""


class _Session(requests.Session):
    def __init__(self, base: str, timeout: float) -> None:
        super().__init__()
        self._base = base
        self._timeout = timeout

    def request(self, method: str, url: str, *args: Any, **kwargs: Any) -> requests.Response:  # type: ignore[override]  # noqa: ANN401  # as requests has it
        for host in _OF_TWEEPY:
            if url.startswith(host):
                url = self._base + url.removeprefix(host)
        kwargs.setdefault("timeout", self._timeout)
        kwargs.setdefault("allow_redirects", False)
        return super().request(method, url, *args, **kwargs)


class XClient:
    """One account on X."""

    def __init__(self, settings: XSettings) -> None:
        self._client = tweepy.Client(
            consumer_key=settings.consumer_key.get_secret_value(),
            consumer_secret=settings.consumer_secret.get_secret_value(),
            access_token=settings.access_token.get_secret_value(),
            access_token_secret=settings.access_token_secret.get_secret_value(),
            return_type=requests.Response,
            wait_on_rate_limit=False,
        )
        self._client.session = _Session(settings.api_url, settings.timeout)
        self._not_before: datetime | None = None

    async def ask(self, call: Callable[[tweepy.Client], requests.Response]) -> bytes:
        """The answer's bytes. Raises Retryable."""
        try:
            return (await self._call(call)).content
        except requests.RequestException as error:
            raise Retryable(f"X did not answer: {type(error).__name__}") from None
        except tweepy.HTTPException as error:
            raise self._trouble(error) from None

    async def post(self, call: Callable[[tweepy.Client], requests.Response], *, name: str = "id") -> str:
        """The new post's id, which the answer has under `name`. Raises Retryable, Refused, Uncertain and Repeated."""
        try:
            response = await self._call(call)
        except requests.RequestException as error:
            text = f"X did not answer: {type(error).__name__}"
            raise (Retryable(text) if _never_sent(error) else Uncertain(text)) from None
        except tweepy.TwitterServerError as error:
            raise Uncertain(f"X failed while it took the post ({error.response.status_code})") from None
        except (tweepy.BadRequest, tweepy.Forbidden, tweepy.NotFound) as error:
            if _problem(error) in _OPERATORS:
                raise self._trouble(error) from None
            raise _refused(error) from None
        except tweepy.HTTPException as error:
            raise self._trouble(error) from None
        try:
            return str(response.json()["data"][name])
        except (ValueError, KeyError, TypeError):
            raise Uncertain("X's answer does not say whether it has taken the post") from None

    async def upload(self, name: str, data: bytes, media_type: str, category: str) -> str:
        """What X calls a file that a post may now show. Raises Retryable (nobody sees it yet) and Refused."""

        def call(client: tweepy.Client) -> requests.Response:
            # tweepy has the endpoint of API v1.1 only, which X has turned off
            signer = tweepy.OAuth1UserHandler(
                client.consumer_key, client.consumer_secret, client.access_token, client.access_token_secret
            ).apply_auth()
            form = {"media_category": category, "media_type": media_type}
            response: requests.Response = client.session.request(
                "POST", _UPLOAD, data=form, files={"media": (name, data, media_type)}, auth=signer
            )
            if not response.ok:
                raise _ERRORS.get(response.status_code, tweepy.HTTPException)(response)
            return response

        try:
            answer = await self._call(call)
        except requests.RequestException as error:
            raise Retryable(f"X did not take a file: {type(error).__name__}") from None
        except (tweepy.BadRequest, tweepy.Forbidden) as error:
            if _problem(error) in _OPERATORS:
                raise self._trouble(error) from None
            raise Refused(f"X does not take the file ({error.response.status_code}): {_detail(error)}") from None
        except tweepy.HTTPException as error:
            raise self._trouble(error) from None
        id_ = _media_id(answer)
        if id_ is None:
            raise Retryable("X's answer does not say what it calls the file", kind="contract")
        return id_

    async def _call(self, call: Callable[[tweepy.Client], requests.Response]) -> requests.Response:
        now = datetime.now(UTC)
        if self._not_before is not None and now < self._not_before:
            wait = (self._not_before - now).total_seconds()
            raise Retryable(f"X has asked us to wait; {wait:.0f} s are left", kind="quota", after=wait)
        return await asyncio.to_thread(call, self._client)

    def _trouble(self, error: tweepy.HTTPException) -> Retryable:
        status = error.response.status_code
        if isinstance(error, tweepy.TooManyRequests):
            now = datetime.now(UTC)
            headers = {name.lower(): value for name, value in error.response.headers.items()}
            seconds = retry_after(headers, now, untold=_UNTOLD)
            self._not_before = datetime.fromtimestamp(now.timestamp() + seconds, UTC)
            return Retryable(f"X asks us to wait {seconds:.0f} s (429)", kind="quota", after=seconds)
        if isinstance(error, tweepy.Unauthorized):
            return Retryable("X refuses the credentials (401): make new tokens", kind="auth", after=300.0)
        if isinstance(error, tweepy.Forbidden):
            return Retryable(f"X does not permit it (403): {_detail(error)}", kind="permission", after=300.0)
        if status == 402:
            return Retryable("X wants to be paid first (402): no credits are left", kind="quota", after=900.0)
        if status >= 500:
            return Retryable(f"X fails ({status})")
        return Retryable(f"X answers {status}: {_detail(error)}", kind="contract", after=60.0)

    async def close(self) -> None:
        """Hang up; the next question connects again."""
        await asyncio.to_thread(self._client.session.close)


def _media_id(answer: requests.Response) -> str | None:
    """Under `data`, as documented, or at the top, as has been seen."""
    try:
        body = answer.json()
    except ValueError:
        return None
    found = body.get("data", body) if isinstance(body, dict) else None
    id_ = found.get("id") if isinstance(found, dict) else None
    return str(id_) if id_ else None


def _never_sent(error: requests.RequestException) -> bool:
    if isinstance(error, requests.ConnectTimeout):
        return True
    return isinstance(error, requests.ConnectionError) and "NewConnectionError" in str(error)


def _refused(error: tweepy.HTTPException) -> Exception:
    detail = _detail(error)
    if "duplicate" in detail.lower() or 187 in error.api_codes:
        return Repeated(detail)
    return Refused(f"X does not take the post ({error.response.status_code}): {detail}")


def _problem(error: tweepy.HTTPException) -> str:
    """The last part of the problem's type (RFC 9457), a word that programs may rely on."""
    try:
        body = json.loads(error.response.content)
    except ValueError:
        return ""
    return str(body.get("type") or "").rpartition("/")[2] if isinstance(body, dict) else ""


def _detail(error: tweepy.HTTPException) -> str:
    try:
        body = json.loads(error.response.content)
    except ValueError:
        return ""
    told = body.get("detail") or body.get("title") if isinstance(body, dict) else ""
    return " ".join([str(told or ""), *error.api_messages]).strip()[:200]
