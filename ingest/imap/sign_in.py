"""Signing in: by password, for somebody else by password, or by token."""

import json

from imapclient import IMAPClient
from imapclient.exceptions import CapabilityError, LoginError

from ingest.imap.settings import EmailImapSettings


class TokenRefused(LoginError):  # type: ignore[misc]  # imapclient publishes no types
    """The access token is not taken: another one might be."""


def sign_in(client: IMAPClient, settings: EmailImapSettings, token: str | None) -> None:
    """Raises LoginError, TokenRefused and CapabilityError. Nothing is said to a server that wants none of it."""
    if token is not None:
        assert settings.oauth2 is not None
        _by_token(client, settings.mailbox or settings.username, token, settings.oauth2.mechanism)
        return
    assert settings.password is not None
    password = settings.password.get_secret_value()
    if settings.mailbox and settings.mailbox != settings.username:
        if not client.has_capability("AUTH=PLAIN"):
            raise CapabilityError("it has no AUTH=PLAIN, with which a mailbox of somebody else is opened by password")
        client.plain_login(settings.username, password, settings.mailbox)
        return
    if client.has_capability("LOGINDISABLED"):
        raise CapabilityError("it takes no password on this connection (LOGINDISABLED)")
    client.login(settings.username, password)


def _by_token(client: IMAPClient, mailbox: str, token: str, mechanism: str) -> None:
    if mechanism == "OAUTHBEARER":  # RFC 7628 §3.1
        name = mailbox.replace("=", "=3D").replace(",", "=2C")
        first = f"n,a={name},\1auth=Bearer {token}\1\1"
    else:
        first = f"user={mailbox}\1auth=Bearer {token}\1\1"
    challenges: list[bytes] = []

    def answer(challenge: bytes) -> bytes:
        if challenge:  # why it failed; the token is not said a second time (RFC 7628 §3.2.3)
            challenges.append(challenge)
            return b"\1" if mechanism == "OAUTHBEARER" else b""
        return first.encode()

    try:
        client.sasl_login(mechanism, answer)
    except LoginError as error:
        if _is_about_the_token(challenges):
            raise TokenRefused(str(error)) from error
        raise


def _is_about_the_token(challenges: list[bytes]) -> bool:
    for challenge in challenges:
        try:
            found = json.loads(challenge)
        except ValueError:
            continue
        if isinstance(found, dict) and str(found.get("status")) in ("400", "401", "invalid_token"):
            return True
    return False
