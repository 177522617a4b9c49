"""Asking a provider by HTTP: bounded in time and size, and every failure has a name."""

import json
import logging
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import httpx

from bus.errors import Retryable
from ingest.contract import Uncertain
from ingest.providers.waiting import LONGEST, retry_after

# writes each address with its query, where some providers want a token
logging.getLogger("httpx").setLevel(logging.WARNING)

_LONGEST_ANSWER = 16 * 1024 * 1024
_NOT_SENT = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout, httpx.UnsupportedProtocol)


@dataclass(frozen=True, slots=True)
class Answer:
    """`headers` by lower-case name."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def json(self) -> dict[str, Any]:
        """The body when it is an object of JSON, else an empty one."""
        try:
            found = json.loads(self.body)
        except (ValueError, RecursionError):
            return {}
        return found if isinstance(found, dict) else {}


class ProviderHttp:
    """One provider, at `base`. While it has asked us to wait it is not asked at all.

    `wait_told`: the seconds that its answer 429 names, where that is not in a header.
    """

    def __init__(
        self,
        base: str,
        *,
        headers: Mapping[str, str] | None = None,
        timeout: float = 20.0,
        wait_told: Callable[[Answer], float | None] = lambda _: None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._base = base.rstrip("/")
        self._headers = dict(headers or {})
        self._timeout = timeout
        self._wait_told = wait_told
        self._clock = clock
        self._not_before = 0.0
        self._client: httpx.AsyncClient | None = None

    def wait(self, seconds: float) -> None:
        """Ask nothing for so long."""
        self._not_before = max(self._not_before, self._clock() + seconds)

    async def ask(
        self,
        method: str,
        path: str,
        *,
        params: Mapping[str, str] | None = None,
        json_body: Mapping[str, object] | None = None,
        form: Mapping[str, str] | None = None,
        files: Mapping[str, tuple[str, bytes, str]] | None = None,
        sending: bool = False,
    ) -> Answer:
        """The answer, whatever its status but 429. Raises Retryable when there was none; with `sending` Uncertain
        when the provider may have done what it was asked. No text of an error holds a secret.
        """
        wait = self._not_before - self._clock()
        if wait > 0:
            raise Retryable(f"the provider has asked us to wait; {wait:.0f} s are left", kind="quota", after=wait)
        if self._client is None:
            self._client = httpx.AsyncClient(timeout=self._timeout, headers=self._headers, follow_redirects=False)
        request = self._client.build_request(
            method, self._base + path, params=params, json=json_body, data=form, files=files
        )
        try:
            answer = await self._answer(self._client, request)
        except _NOT_SENT as error:
            raise Retryable(f"no connection to {self._where}: {type(error).__name__}") from error
        except httpx.HTTPError as error:
            text = f"{self._where} did not answer: {type(error).__name__}"
            raise (Uncertain(text) if sending else Retryable(text)) from error
        if answer.status == httpx.codes.TOO_MANY_REQUESTS:
            told = self._wait_told(answer)
            seconds = retry_after(answer.headers, datetime.now(UTC)) if told is None else min(max(told, 1.0), LONGEST)
            self.wait(seconds)
            raise Retryable(f"{self._where} asks us to wait {seconds:.0f} s (429)", kind="quota", after=seconds)
        return answer

    async def _answer(self, client: httpx.AsyncClient, request: httpx.Request) -> Answer:
        response = await client.send(request, stream=True)
        try:
            body = bytearray()
            async for part in response.aiter_bytes():
                body += part
                if len(body) > _LONGEST_ANSWER:
                    raise Retryable(f"an answer of {self._where} of more than {_LONGEST_ANSWER} bytes", kind="contract")
        finally:
            await response.aclose()
        return Answer(response.status_code, {k.lower(): v for k, v in response.headers.items()}, bytes(body))

    @property
    def _where(self) -> str:
        return httpx.URL(self._base).host

    async def close(self) -> None:
        """Hang up; the next question connects again."""
        client, self._client = self._client, None
        if client is not None:
            await client.aclose()


def failed(answer: Answer, what: str) -> Retryable:
    """The error of a question that a provider did not answer with 2xx: who can mend it is told by the status."""
    status = answer.status
    if status == httpx.codes.UNAUTHORIZED:
        return Retryable(f"{what}: the credentials are refused ({status})", kind="auth")
    if status == httpx.codes.FORBIDDEN:
        return Retryable(f"{what}: not permitted ({status})", kind="permission")
    if status >= httpx.codes.INTERNAL_SERVER_ERROR:
        return Retryable(f"{what}: the provider fails ({status})")
    return Retryable(f"{what}: an answer that was not expected ({status})", kind="contract")
