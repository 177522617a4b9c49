"""Mails for tests, and what the normalizer makes of them."""

from datetime import UTC, datetime

from bus.message import NormalizedMessage
from bus.raw import Inline, RawMessage
from normalize.mail import normalize_mail
from normalize.outcome import Understood

OWN = "support@desk.example"


def record(
    *, envelope_from: str | None = None, envelope_to: tuple[str, ...] = (), authserv_id: str | None = "mx.desk.example"
) -> RawMessage:
    """A raw record as the desk's mail door makes it; the payload travels beside it."""
    return RawMessage(
        channel="email",
        account="support",
        received_at=datetime(2026, 11, 3, 10, 0, tzinfo=UTC),
        payload=Inline(base64=b""),
        own_addresses=[OWN],
        authserv_id=authserv_id,
        envelope_from=envelope_from,
        envelope_to=list(envelope_to),
    )


def understand(mail: bytes | str, raw: RawMessage | None = None) -> Understood:
    """The one outcome of a mail."""
    (outcome,) = normalize_mail(raw or record(), mail.encode() if isinstance(mail, str) else mail)
    assert isinstance(outcome, Understood)
    return outcome


def read(mail: bytes | str, raw: RawMessage | None = None) -> NormalizedMessage:
    """The message of a mail."""
    return understand(mail, raw).message


def letter(body: str, *fields: str, subject: str = "Question") -> str:
    """A plain mail of a customer with further fields."""
    head = [
        "From: Anna Bell <anna@customer.example>",
        "To: Support <support@desk.example>",
        f"Subject: {subject}",
        "Date: Tue, 3 Nov 2026 10:11:12 +0100",
        "Message-ID: <m1@customer.example>",
        *fields,
    ]
    return "\n".join(head) + "\n\n" + body
