"""What webhooks are answered."""

from starlette.responses import PlainTextResponse, Response


def twiml() -> Response:
    """To Twilio, which would take anything else for words to answer with."""
    return Response('<?xml version="1.0" encoding="UTF-8"?><Response></Response>', media_type="text/xml")


def taken(text: str = "") -> Response:
    """Kafka has it, or there was nothing to keep."""
    return PlainTextResponse(text)
