"""Replies for tests."""

from datetime import UTC, datetime
from typing import Any

from bus.reply import Recipient, Reply

NOW = datetime(2026, 3, 1, 12, 30, tzinfo=UTC)


def a_reply(**given: Any) -> Reply:  # noqa: ANN401  # any field of a reply
    """A confirmation, unless told otherwise."""
    fields: dict[str, Any] = {
        "reply_id": "r1",
        "ticket_id": "t1",
        "number": 7,
        "channel": "email",
        "account": "support-mail",
        "purpose": "confirmation",
        "created_at": NOW,
        "recipient": Recipient(kind="email", address="ana@customer.example", name="Ana"),
        "from_name": "Desk support",
        "reply_token": "abc123",
        "subject": "Your request #7",
        "text": "We have received your request.\n\nDesk support\n",
        "language": "en",
        "message_id": "t1.confirmation@desk.example",
        "in_reply_to": "q1@customer.example",
        "references": ["q0@customer.example", "q1@customer.example"],
        "automatic": True,
        "loop": "chain1;hops=1",
    }
    return Reply(**(fields | given))
