"""What to do with a reply, given what its receipts say; no clock, no Kafka.

| the last receipt of this reply is | then |
|---|---|
| none, or `deferred`/`failed` of an earlier attempt | send |
| final for this attempt, or of a later attempt | skip |
| an open `attempting`, and we remember how it ended | report that |
| an open `attempting`, a repetition is harmless or it is an agent's reply | send again, same Message-ID |
| an open `attempting` of anything automatic | `uncertain`: nobody gets a confirmation twice |
| `sent` or `uncertain` of an earlier attempt of anything automatic | the same again, and nothing is sent |
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Literal, NamedTuple

from bus.errors import Invalid, Retryable
from bus.headers import cloud_event
from bus.record import Outgoing
from bus.reply import Receipt, ReceiptState, Reply
from bus.topics import RECEIPTS
from ingest.contract import Away, Refused, Uncertain

REASON_CHARS = 300


class Standing(NamedTuple):
    """What the last receipt of a reply says."""

    attempt: int
    state: ReceiptState


@dataclass(frozen=True, slots=True)
class Outcome:
    """How an attempt ended. `provider_id`: what the channel calls the sent item; `reason`: one line; of a deferred
    one `retry_after` and `elsewhere`, see Receipt.
    """

    state: Literal["sent", "deferred", "uncertain", "failed"]
    provider_id: str | None = None
    reason: str | None = None
    retry_after: float | None = None
    elsewhere: bool = False


Decision = Literal["send", "skip"] | Outcome


def decide(reply: Reply, last: Standing | None, *, idempotent: bool, remembered: Outcome | None = None) -> Decision:
    """See the table above. `remembered`: how this very attempt ended, if this process made it."""
    if last is None:
        return "send"
    once = reply.purpose != "reply" and not idempotent
    if last.attempt == reply.attempt and last.state == "attempting":
        return remembered or (
            Outcome("uncertain", reason="the sender stopped while it was sending") if once else "send"
        )
    if last.attempt >= reply.attempt:
        return "skip"
    if once and last.state in ("attempting", "uncertain"):
        return Outcome("uncertain", reason=f"attempt {last.attempt} may have arrived")
    if once and last.state == "sent":
        return Outcome("sent", reason=f"attempt {last.attempt} was sent")
    return "send"


def outcome_of(error: Exception) -> Outcome:
    """What a sender's error means; an error it never announced leaves open whether the reply has left."""
    if isinstance(error, Retryable):
        elsewhere = isinstance(error, Away) and error.elsewhere
        return Outcome("deferred", reason=one_line(str(error)), retry_after=error.after, elsewhere=elsewhere)
    if isinstance(error, Refused | Invalid):
        return Outcome("failed", reason=one_line(str(error)))
    if isinstance(error, Uncertain):
        return Outcome("uncertain", reason=one_line(str(error)))
    return Outcome("uncertain", reason=f"unexpected: {type(error).__name__}")


def attempting(reply: Reply, connector: str, at: datetime) -> Receipt:
    """The receipt that stands before anything leaves."""
    return _receipt(reply, connector, at, "attempting")


def ended(reply: Reply, connector: str, at: datetime, outcome: Outcome) -> Receipt:
    """The receipt of how it ended."""
    return _receipt(reply, connector, at, outcome.state, outcome)


def receipt_record(receipt: Receipt, partition: int, trace: str | None = None) -> Outgoing:
    """The receipt as it stands on its topic: on the partition of its reply."""
    event = f"{receipt.reply_id}:{receipt.attempt}:{receipt.state}"
    source = f"/connectors/{receipt.connector}"
    headers = cloud_event(event, receipt.kind, source, time=receipt.at, traceparent=trace)
    return Outgoing(RECEIPTS, receipt.reply_id, receipt.to_json(), headers, partition)


def _receipt(reply: Reply, connector: str, at: datetime, state: ReceiptState, end: Outcome | None = None) -> Receipt:
    return Receipt(
        reply_id=reply.reply_id,
        ticket_id=reply.ticket_id,
        account=reply.account,
        connector=connector,
        state=state,
        attempt=reply.attempt,
        at=at,
        provider_id=end.provider_id if end else None,
        reason=end.reason if end else None,
        retry_after=end.retry_after if end else None,
        elsewhere=bool(end and end.elsewhere),
    )


def one_line(text: str) -> str:
    """The text on one line, short, without control characters."""
    line = " ".join("".join(c if c.isprintable() else " " for c in text[: 4 * REASON_CHARS]).split())
    return line if len(line) <= REASON_CHARS else f"{line[: REASON_CHARS - 1]}…"
