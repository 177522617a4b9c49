"""Whether a request comes from the telephone system. Pure.

Placetel and Twilio sign, and so may whoever speaks the generic interface (Standard Webhooks). sipgate and Exotel do
not: they call an address that has a secret in it, or log in. Such a secret may end up in a log of theirs or of a proxy:
less than a signature, and all there is.
"""

import base64
import binascii
from collections.abc import Sequence
from urllib.parse import parse_qsl, urlsplit, urlunsplit

from pydantic import SecretStr

from ingest.intake.route import Incoming, Refusal
from ingest.phone.settings import PhoneSettings
from ingest.signatures import base64_sha1, check, hex_sha256, same
from ingest.standard_webhooks import checked, key_of

_PORTS = {"https": 443, "http": 80}


def check_the_system(request: Incoming, settings: PhoneSettings) -> None:
    """By all that is configured, and by one thing at least. Raises Refusal."""
    secret = settings.signing_secret
    if settings.missing:
        raise _nobody_knows()
    if settings.provider == "placetel" and secret is not None:
        check(request.headers, "x-placetel-signature", [hex_sha256(secret, request.body)])
    elif settings.provider == "twilio" and secret is not None:
        check(request.headers, "x-twilio-signature", twilio_signatures(secret, request.url, request.body))
    else:
        if secret is not None:
            checked(request.headers, request.body, [key_of(secret)], request.received_at)
        path, password = settings.path_secret, settings.password
        if path is not None and not same(request.params.get("secret", ""), path.get_secret_value()):
            raise _nobody_knows()
        if password is not None:
            _check_login(request, f"{settings.username}:{password.get_secret_value()}")


def twilio_signatures(token: SecretStr, url: str, body: bytes) -> Sequence[str]:
    """HMAC-SHA1 over the public address and the form's fields in order (Twilio, Validating Requests). Twilio writes
    the address with its port at times and without it at others: one for each.
    """
    fields: dict[str, set[str]] = {}
    for name, value in parse_qsl(body.decode("utf-8", "replace"), keep_blank_values=True):
        fields.setdefault(name, set()).add(value)
    tail = "".join(name + value for name in sorted(fields) for value in sorted(fields[name]))
    return [base64_sha1(token, (each + tail).encode()) for each in _spellings(url)]


def _spellings(url: str) -> Sequence[str]:
    parts = urlsplit(url)
    host = parts.hostname or ""
    shown = f"[{host}]" if ":" in host else host
    port = parts.port or _PORTS.get(parts.scheme)
    return [urlunsplit(parts._replace(netloc=each)) for each in (shown, f"{shown}:{port}")]


def _check_login(request: Incoming, right: str) -> None:
    """HTTP basic authentication (RFC 7617); many clients log in only when they are asked to."""
    given = request.headers.getlist("authorization")
    scheme, _, encoded = (given[0] if len(given) == 1 else "").partition(" ")
    try:
        told = base64.b64decode(encoded.strip(), validate=True).decode("utf-8", "replace")
    except (binascii.Error, ValueError):
        told = ""
    if scheme.lower() != "basic" or not same(told, right):
        asked = {"WWW-Authenticate": 'Basic realm="calls", charset="UTF-8"'}
        raise Refusal(401, "login", "User and password do not fit.", headers=asked)


def _nobody_knows() -> Refusal:
    """A wrong secret in the address is an address that does not exist."""
    return Refusal(404, "not_found", "There is nothing here.")
