"""The normalizer alone, on the bytes that a connector would hand it."""

import time
from collections.abc import Sequence
from datetime import UTC, datetime

from bus.message import INLINE_RAW_BYTES
from bus.model import BlobRef
from bus.raw import Inline, RawMessage
from normalize.table import NORMALIZERS
from tests.mails.generator import DESK, GeneratedMail


def normalizer_us(mails: Sequence[GeneratedMail]) -> float:
    """Microseconds of CPU per mail, from bytes to the JSON that goes on the topic."""
    normalize = NORMALIZERS["email"]
    records = [(raw_record(mail), mail.data) for mail in mails]
    began = time.process_time()
    for record, data in records:
        for outcome in normalize(record, data):
            outcome.message.to_json()  # type: ignore[union-attr]  # no generated mail is ignored
    return (time.process_time() - began) / len(mails) * 1e6


def raw_record(mail: GeneratedMail) -> RawMessage:
    """As the SMTP connector would have put it on its topic."""
    large = len(mail.data) > INLINE_RAW_BYTES
    return RawMessage(
        channel="email",
        account="bench",
        received_at=datetime.now(UTC),
        payload=BlobRef(blob="sha256/0", size=len(mail.data)) if large else Inline(base64=mail.data),
        envelope_from=mail.sender,
        envelope_to=[DESK],
        own_addresses=[DESK],
    )
