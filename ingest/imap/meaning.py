"""What a failure at an IMAP server means to an operator; pure. Response codes: RFC 9051 §7.1, RFC 5530."""

import re
import socket
import ssl

from imapclient.exceptions import IMAPClientAbortError, IMAPClientError, IMAPClientReadOnlyError, LoginError

from bus.errors import ErrorClass, Retryable
from ingest.attempts import one_line

_CODES: dict[str, ErrorClass] = {
    "AUTHENTICATIONFAILED": "auth",
    "EXPIRED": "auth",
    "AUTHORIZATIONFAILED": "permission",
    "NOPERM": "permission",
    "CONTACTADMIN": "permission",
    "LIMIT": "quota",
    "OVERQUOTA": "quota",
    "UNAVAILABLE": "transient",
    "INUSE": "transient",
    "SERVERBUG": "transient",
    "NONEXISTENT": "contract",
    "TRYCREATE": "contract",
    "PRIVACYREQUIRED": "contract",
    "CANNOT": "contract",
    "CLIENTBUG": "contract",
}
_CODE = re.compile(r"\[([A-Z][A-Z0-9-]*)[ \]]")
# Exchange Online says these in words: "Request is throttled. Suggested Backoff Time: 299961 milliseconds",
# "User is authenticated but not connected."
_BACK_OFF = re.compile(r"Suggested Backoff Time: (\d{1,9}) milliseconds")
_MANY = re.compile(r"too many (?:simultaneous|concurrent)? ?connections|throttled", re.IGNORECASE)
_NOT_CONNECTED = "authenticated but not connected"


def retryable(error: Exception, server: str) -> Retryable:
    """The error as operators see it: one line, no secret."""
    words, kind = _protocol(error) if isinstance(error, IMAPClientError) else _connection(error)
    return Retryable(one_line(f"{server}: {words}"), kind=kind, after=_after(str(error)))


def _protocol(error: IMAPClientError) -> tuple[str, ErrorClass]:
    said = one_line(str(error))
    by_words = _by_words(said)
    if isinstance(error, IMAPClientReadOnlyError):
        return "the folder may only be read; set read_only = true, or give the account the right to write", "permission"
    if isinstance(error, IMAPClientAbortError) or isinstance(error.__context__, IMAPClientAbortError):
        return f"the connection was lost ({said})", by_words or "transient"
    if isinstance(error, LoginError):
        kind = by_words or "auth"
        advice = "; sign in again: check username and password, or renew the consent" if kind == "auth" else ""
        return f"the login was refused ({said}){advice}", kind
    return said, by_words or "contract"


def _connection(error: Exception) -> tuple[str, ErrorClass]:
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"its certificate cannot be verified ({error.verify_message}); set ca_file", "contract"
    if isinstance(error, ssl.SSLError) and not isinstance(error, ssl.SSLEOFError):
        return f"TLS fails ({error.reason or 'no common version'})", "contract"
    if isinstance(error, TimeoutError):
        return "no answer in time", "transient"
    if isinstance(error, socket.gaierror):
        return "this name cannot be looked up", "transient"
    if isinstance(error, OSError):
        return f"the connection was lost ({error.strerror or type(error).__name__})", "transient"
    return f"it says what nobody understands ({type(error).__name__})", "contract"


def _by_words(said: str) -> ErrorClass | None:
    for code in _CODE.findall(said):
        if code in _CODES:
            return _CODES[code]
    if _MANY.search(said):
        return "quota"
    return "permission" if _NOT_CONNECTED in said else None


def _after(said: str) -> float | None:
    found = _BACK_OFF.search(said)
    return int(found[1]) / 1_000 if found else None
