"""The refresh token that a provider has put in the place of the configured one: a file that only we can read."""

import hashlib
import json
from datetime import UTC, datetime
from pathlib import Path

import structlog
from pydantic import SecretStr

from bus.errors import Retryable
from bus.whole_file import write_atomically

log = structlog.get_logger()


class StoredToken:
    """In `path`, mode 0600, replaced as a whole. It descends from one configured token and dies with it.

    Whoever signs in again configures a new token, and that is then used: the file names the one it came from by a
    digest.
    """

    def __init__(self, path: Path, configured: SecretStr) -> None:
        self._path = path
        self._configured = configured
        self._origin = hashlib.sha256(configured.get_secret_value().encode()).hexdigest()

    def load(self) -> SecretStr:
        """The newest token of this descent."""
        try:
            found = json.loads(self._path.read_bytes())
            if found["origin"] == self._origin:
                return SecretStr(found["refresh_token"])
        except FileNotFoundError:
            pass
        except (OSError, ValueError, KeyError, TypeError) as error:
            log.warning("oauth2.stored_token_unreadable", path=str(self._path), detail=type(error).__name__)
        return self._configured

    def store(self, token: SecretStr) -> None:
        """Keep it before it is used: the provider may have forgotten the former one. Raises Retryable."""
        kept = {"origin": self._origin, "refresh_token": token.get_secret_value(), "at": datetime.now(UTC).isoformat()}
        try:
            self._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            write_atomically(self._path, json.dumps(kept).encode(), durable=True)
        except OSError as error:
            raise Retryable(f"the new refresh token cannot be stored in {self._path}: {error.strerror}") from error
