"""Normalized messages for tests of the desk."""

import hashlib
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from bus.message import Address, Author, Automation, AutomationKind, NormalizedMessage, Ref
from bus.record import Received


def mail(
    source_id: str,
    *,
    sender: str = "ann@customer.example",
    subject: str = "It does not work",
    text: str = "Please help.",
    answers: str | None = None,
    automation: AutomationKind = "human",
    number: int | None = None,
    account: str = "support",
    **more: Any,  # noqa: ANN401  # whatever else NormalizedMessage has
) -> NormalizedMessage:
    """A mail to the desk."""
    return NormalizedMessage(
        message_id=hashlib.sha256(source_id.encode()).hexdigest(),
        normalizer="test 1",
        channel="email",
        account=account,
        source_id=source_id,
        author=Author(kind="email", address=sender, name="Ann \x1b[31mRed"),
        to=[Address(address="support@desk.example")],
        subject=subject,
        text=text,
        reply_text=text,
        received_at=datetime.now(UTC),
        refs=[
            *([Ref(kind="in_reply_to", value=answers)] if answers else []),
            *([Ref(kind="ticket_number", value=str(number))] if number else []),
        ],
        automation=Automation(kind=automation),
        **more,
    )


def received(
    messages: Sequence[NormalizedMessage], *, topic: str = "messages.email", offset: int = 0
) -> list[Received]:
    """They as records of one partition."""
    return [
        Received(topic, 0, offset + n, message.author.address, message.to_json(), 0)
        for n, message in enumerate(messages)
    ]
