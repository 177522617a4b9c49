"""What a token endpoint's answer means: a token, or who has to do what about it. Pure."""

import json
from typing import Any, NamedTuple

from pydantic import SecretStr

from bus.errors import ErrorClass, Retryable
from ingest.attempts import one_line

_SHORTEST_LIFE = 60.0
_USUAL_LIFE = 3600.0

# RFC 6749 §5.2, §4.1.2.1; OpenID Connect Core §3.1.2.6; RFC 8628 §3.5
_KINDS: dict[str, ErrorClass] = {
    "invalid_grant": "auth",
    "invalid_client": "auth",
    "unauthorized_client": "auth",
    "interaction_required": "auth",
    "login_required": "auth",
    "consent_required": "permission",
    "access_denied": "permission",
    "invalid_scope": "permission",
    "invalid_request": "contract",
    "unsupported_grant_type": "contract",
    "invalid_resource": "contract",
    "temporarily_unavailable": "transient",
    "server_error": "transient",
    "slow_down": "quota",
}
_WORDS: dict[ErrorClass, str] = {
    "auth": "sign in again: a new refresh token, or a new secret of the application, is needed",
    "permission": "the application lacks a right; let an administrator grant it",
    "contract": "check token_url, grant and scope",
}


class Granted(NamedTuple):
    """`life`: seconds for which the token can be used. `refresh_token`: what replaces the one that was used."""

    access_token: SecretStr
    life: float
    refresh_token: SecretStr | None


def read_answer(status: int, body: bytes, retry_after: str | None = None) -> Granted:
    """The token. Raises Retryable whose kind is decided by the error's code, not by the status alone."""
    try:
        found = json.loads(body)
    except ValueError:
        found = None
    fields: dict[str, Any] = found if isinstance(found, dict) else {}
    token = fields.get("access_token")
    if status == 200 and isinstance(token, str) and token and token.isascii() and token.isprintable():
        refresh = fields.get("refresh_token")
        return Granted(
            SecretStr(token),
            max(_seconds(fields.get("expires_in")) or _USUAL_LIFE, _SHORTEST_LIFE),
            SecretStr(refresh) if isinstance(refresh, str) and refresh else None,
        )
    after = _seconds(retry_after)
    code = fields.get("error")
    if isinstance(code, str) and code in _KINDS:
        kind = _KINDS[code]
        described = fields.get("error_description")
        said = f" ({one_line(described)})" if isinstance(described, str) else ""
        advice = f"; {_WORDS[kind]}" if kind in _WORDS else ""
        raise Retryable(one_line(f"the token endpoint says {code}{said}") + advice, kind=kind, after=after)
    if status == 429:
        raise Retryable("the token endpoint is asked too often", kind="quota", after=after)
    if status >= 500:
        raise Retryable(f"the token endpoint answers {status}", after=after)
    raise Retryable(f"the token endpoint gives no token (status {status}); {_WORDS['contract']}", kind="contract")


def _seconds(value: object) -> float | None:
    try:
        seconds = float(str(value))
    except ValueError:
        return None
    return seconds if 0 <= seconds < 10**9 else None
