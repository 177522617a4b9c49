"""What webhooks are answered."""

from starlette.responses import PlainTextResponse, Response

from ingest.intake.route import Refusal


def taken(text: str = "") -> Response:
    """Kafka has it, or there was nothing to keep."""
    return PlainTextResponse(text)


def not_signed() -> Refusal:
    """The signature is missing, wrong, or there are two. Which one is nobody's business."""
    return Refusal(401, "signature", "The signature is not valid.")
