"""A client of the agents' API for commands: one request after another, errors in words."""

import http.client
import json
import mimetypes
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlsplit

from bus.errors import ConfigError, Invalid, Retryable
from bus.options import Options

TOKEN_FILE = "admin.token"  # noqa: S105  # a name, not a token
"""In the data folder: the token of the first admin, as `up` wrote it; readable by its owner only."""
_PATIENCE = 30.0


@dataclass(frozen=True, slots=True)
class ApiClient:
    """`url`: of the API, without `/api/v1`."""

    url: str
    token: str

    def get(self, path: str) -> tuple[Any, Mapping[str, str]]:
        """What is there, and the headers. Raises Invalid with the API's words, Retryable when it is not there."""
        return self._ask("GET", path, None, {})

    def post(self, path: str, given: Mapping[str, object], headers: Mapping[str, str]) -> Any:  # noqa: ANN401
        """What came of it. Raises as above."""
        body = json.dumps(given, ensure_ascii=False, default=str).encode()
        return self._ask("POST", path, body, {"Content-Type": "application/json", **headers})[0]

    def hand_in(self, file: Path, key: str) -> Any:  # noqa: ANN401  # a document
        """A file, as acts take it. Raises as above, and Invalid when it cannot be read."""
        try:
            data = file.read_bytes()
        except OSError as error:
            raise Invalid(f"{file}: {error.strerror}") from None
        kind = mimetypes.guess_type(file.name)[0] or "application/octet-stream"
        path = f"/uploads?name={quote(file.name, safe='')}"
        return self._ask("POST", path, data, {"Content-Type": kind, "Idempotency-Key": key})[0]

    def _ask(
        self, method: str, path: str, body: bytes | None, headers: Mapping[str, str]
    ) -> tuple[Any, Mapping[str, str]]:
        where = urlsplit(self.url)
        kind = http.client.HTTPSConnection if where.scheme == "https" else http.client.HTTPConnection
        connection = kind(where.hostname or "", where.port, timeout=_PATIENCE)
        try:
            connection.request(
                method,
                f"{where.path.rstrip('/')}/api/v1{path}",
                body,
                {"Authorization": f"Bearer {self.token}", **headers},
            )
            response = connection.getresponse()
            said = response.read()
        except (OSError, http.client.HTTPException) as error:
            raise Retryable(f"the API at {self.url} does not answer ({type(error).__name__})") from None
        finally:
            connection.close()
        if response.status < 300:
            return json.loads(said), dict(response.headers)
        raise _refusal(response.status, said)


def client_of(options: Options, url: str | None, token: str | None) -> ApiClient:
    """The client a command is told of: by flags, environment, or the `up` that runs on its data folder.

    Raises ConfigError when no API or no token is known.
    """
    up = options.endpoints()
    where = url or options.environment.get("DESKSTREAM_URL") or (up.api if up else None)
    if not where:
        raise ConfigError(f"no API is known and no `deskstream up` runs on {options.data}; start one or give --url")
    if not where.startswith(("http://", "https://")):
        raise ConfigError("--url: the API's address begins with http:// or https://")
    file = options.data / TOKEN_FILE
    held = token or options.environment.get("DESKSTREAM_TOKEN") or (file.read_text("ascii") if file.exists() else "")
    if not held.strip().isascii() or not held.strip():
        raise ConfigError(
            "no token is known: give --token, or set DESKSTREAM_TOKEN; `deskstream agents token` makes one"
        )
    return ApiClient(where, held.strip())


def _refusal(status: int, said: bytes) -> Exception:
    try:
        problem = json.loads(said)
        fields = "; ".join(
            f"{'.'.join(map(str, each['where'][1:]))}: {each['detail']}" for each in problem.get("errors") or ()
        )
        words = fields or problem.get("detail") or problem["title"]
    except (ValueError, KeyError, TypeError, AttributeError):
        words = f"the API answers {status}"
    return Retryable(words) if status >= 500 else Invalid(words)
