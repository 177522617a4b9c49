"""What webhooks are answered."""

from starlette.responses import PlainTextResponse, Response


def taken(text: str = "") -> Response:
    """Kafka has it, or there was nothing to keep."""
    return PlainTextResponse(text)
