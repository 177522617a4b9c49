"""Whether a request comes from the provider that it says. Pure but for the clock."""

import hashlib
import hmac

from pydantic import SecretStr

from ingest.chat.settings import ChatSettings
from ingest.intake.route import Incoming
from ingest.phone.who_calls import twilio_signatures
from ingest.signatures import check, hex_sha256, only_header, unsigned

_OLDEST = 300
"""Seconds: an older request of Slack may be a recorded one."""


def check_the_provider(request: Incoming, settings: ChatSettings) -> None:
    """By the provider's own way, over the bytes as they came. Raises Refusal 401."""
    secret = settings.token if settings.provider == "sms" else settings.webhook_secret
    assert secret is not None, "without its secret the route does not open"
    headers = request.headers
    match settings.provider:
        case "telegram":  # Bot API, setWebhook: secret_token
            check(headers, "x-telegram-bot-api-secret-token", [secret.get_secret_value()])
        case "sms":  # Twilio, Validating Requests
            check(headers, "x-twilio-signature", twilio_signatures(secret, request.url, request.body))
        case "slack":  # Verifying requests from Slack
            _check_slack(request, secret)
        case _:  # Webex, Webhooks: X-Spark-Signature
            check(headers, "x-spark-signature", [_hex_sha1(secret, request.body)])


def _check_slack(request: Incoming, secret: SecretStr) -> None:
    stamp = only_header(request.headers, "x-slack-request-timestamp")
    if not stamp.isascii() or not stamp.isdigit() or len(stamp) > 12:
        raise unsigned("X-Slack-Request-Timestamp is no time.")
    if abs(request.received_at.timestamp() - int(stamp)) > _OLDEST:
        raise unsigned("The request is too old.")
    signed = b"v0:" + stamp.encode() + b":" + request.body
    check(request.headers, "x-slack-signature", [f"v0={hex_sha256(secret, signed)}"])


def _hex_sha1(secret: SecretStr, data: bytes) -> str:
    return hmac.new(secret.get_secret_value().encode(), data, hashlib.sha1).hexdigest()
