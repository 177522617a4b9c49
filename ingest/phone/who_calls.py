"""Whether a request comes from the telephone system. Pure.

Placetel and Twilio sign. sipgate, Exotel and the generic interface do not: they call an address that has a secret in
it, or log in. Such a secret may end up in a log of theirs or of a proxy; that is less than a signature, and all they do.
"""

import base64
import binascii
from collections.abc import Sequence
from urllib.parse import parse_qsl, urlsplit, urlunsplit

from ingest.intake.route import Incoming
from ingest.phone.settings import PhoneSettings
from ingest.providers.signed import base64_signed, hex_signed, same_secret

_PORTS = {"https": 443, "http": 80}


def is_the_system(request: Incoming, settings: PhoneSettings) -> bool:
    """By all that is configured, and by one thing at least."""
    if settings.missing:
        return False
    if settings.signing_secret is not None and settings.provider == "placetel":
        secret = settings.signing_secret.get_secret_value()
        return hex_signed(secret, request.body, request.headers.getlist("x-placetel-signature"))
    if settings.signing_secret is not None and settings.provider == "twilio":
        secret = settings.signing_secret.get_secret_value()
        return twilio_signed(secret, request.url, request.body, request.headers.getlist("x-twilio-signature"))
    path, password = settings.path_secret, settings.password
    if path is not None and not same_secret(request.params.get("secret", ""), path.get_secret_value()):
        return False
    return password is None or _logged_in(
        request.headers.getlist("authorization"), settings.username or "", password.get_secret_value()
    )


def twilio_signed(token: str, url: str, body: bytes, given: Sequence[str]) -> bool:
    """HMAC-SHA1 over the public address and the form's fields in order (Twilio, Validating Requests). Twilio writes
    the address with its port at times and without it at others.
    """
    fields: dict[str, set[str]] = {}
    for name, value in parse_qsl(body.decode("utf-8", "replace"), keep_blank_values=True):
        fields.setdefault(name, set()).add(value)
    tail = "".join(name + value for name in sorted(fields) for value in sorted(fields[name]))
    # each of them is tried, so that how long it takes does not tell which one it was
    tried = [base64_signed(token, (each + tail).encode(), given, digest="sha1") for each in _spellings(url)]
    return any(tried)


def _spellings(url: str) -> Sequence[str]:
    parts = urlsplit(url)
    host = parts.hostname or ""
    shown = f"[{host}]" if ":" in host else host
    default = _PORTS.get(parts.scheme)
    without = urlunsplit(parts._replace(netloc=shown))
    port = parts.port or default
    return [without, urlunsplit(parts._replace(netloc=f"{shown}:{port}"))]


def _logged_in(given: Sequence[str], username: str, password: str) -> bool:
    if len(given) != 1 or given[0][:6].lower() != "basic ":
        return False
    try:
        told = base64.b64decode(given[0][6:].strip(), validate=True).decode("utf-8", "replace")
    except (binascii.Error, ValueError):
        return False
    return same_secret(told, f"{username}:{password}")
