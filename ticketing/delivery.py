"""How far a reply has come on its way to the customer, forward only (threading §5). Pure.

queued → attempting → sent                attempts count up: `deferred` waits, then is queued once more
                    → uncertain → sent    and begins again with the next attempt; an agent's reply that is `uncertain`
                                          too, under the same Message-ID, so that who has it shows it once
                    → failed → sent       (a connector may still send what was given up as `no_connector`)
                    → deferred → queued   (at once, as a mail, where the customer is away and his address is known)
                    sent → bounced           (whatever was reported: who sends a bounce has had the mail)
"""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final, Literal

from bus.reply import Receipt
from bus.ticket_event import DeliveryState

State = Literal["attempting"] | DeliveryState

_RANK: Final[dict[str, int]] = {
    "queued": 0,
    "attempting": 1,
    "deferred": 2,
    "uncertain": 3,
    "failed": 4,
    "sent": 5,
    "bounced": 6,
}
_PAUSES: Final = tuple(timedelta(minutes=m) for m in (1, 5, 15, 60, 240))
MAX_UNCERTAIN: Final = 3
"""So many attempts of an agent's reply may have arrived; more would be a nuisance to whoever got them."""
MAX_ATTEMPTS: Final = 30
"""With the pauses above more than four days, as RFC 5321 §4.5.4.1 advises."""
NO_CONNECTOR_AFTER: Final = timedelta(minutes=10)


@dataclass(frozen=True, slots=True)
class Delivery:
    """A reply's state. `attempting` is known to the desk only; the others are told as `ticket.delivery_updated`.

    `insistent`: an agent wrote it, so that what may not have arrived is sent again.
    """

    reply_id: str
    ticket_id: str
    state: State
    attempt: int
    state_at: datetime
    reason: str | None = None
    next_attempt_at: datetime | None = None
    insistent: bool = False

    @property
    def told_as(self) -> DeliveryState | None:
        """What the world is told."""
        return None if self.state == "attempting" else self.state


def pause_after(attempt: int) -> timedelta | None:
    """How long to wait after this attempt was deferred; None: give up."""
    if attempt >= MAX_ATTEMPTS:
        return None
    return _PAUSES[min(attempt, len(_PAUSES)) - 1]


def after_receipt(delivery: Delivery, receipt: Receipt, now: datetime) -> Delivery | None:
    """What a receipt makes of it; None when it says nothing new: repeated, overtaken, or of an earlier attempt."""
    if _RANK[receipt.state] <= _RANK[delivery.state]:
        return None
    if receipt.attempt != delivery.attempt and receipt.state != "sent":
        return None
    moved = replace(
        delivery, state=receipt.state, state_at=receipt.at, reason=_one_line(receipt.reason), next_attempt_at=None
    )
    if receipt.state == "uncertain" and delivery.insistent and delivery.attempt < MAX_UNCERTAIN:
        return replace(moved, next_attempt_at=now + _PAUSES[delivery.attempt])
    if receipt.state != "deferred":
        return moved
    pause = pause_after(delivery.attempt)
    if pause is None:
        return replace(moved, state="failed", reason="gave_up")
    if receipt.retry_after is not None:
        pause = timedelta(seconds=min(max(receipt.retry_after, 1.0), _PAUSES[-1].total_seconds()))
    return replace(moved, next_attempt_at=now + pause)


def by_another_way(delivery: Delivery, now: datetime) -> Delivery:
    """What was deferred is on its way again, by mail."""
    return replace(
        delivery, state="queued", attempt=delivery.attempt + 1, state_at=now, reason="by_mail", next_attempt_at=None
    )


def after_bounce(delivery: Delivery, status: str | None, now: datetime) -> Delivery | None:
    """What a bounce makes of it, whatever was reported before; None when it has bounced already."""
    if _RANK[delivery.state] >= _RANK["bounced"]:
        return None
    return replace(delivery, state="bounced", state_at=now, reason=_one_line(status), next_attempt_at=None)


def after_time(
    delivery: Delivery, now: datetime, *, watched_since: datetime, patience: timedelta = NO_CONNECTOR_AFTER
) -> Delivery | None:
    """What time alone makes of it; None when nothing is due.

    Nobody took a reply only if nobody did so while we watched: after an outage of ours its connector gets its chance.
    """
    if (
        delivery.state in ("deferred", "uncertain")
        and delivery.next_attempt_at is not None
        and delivery.next_attempt_at <= now
    ):
        return replace(
            delivery, state="queued", attempt=delivery.attempt + 1, state_at=now, reason=None, next_attempt_at=None
        )
    if delivery.state == "queued" and max(delivery.state_at, watched_since) + patience <= now:
        return replace(delivery, state="failed", state_at=now, reason="no_connector")
    return None


def _one_line(reason: str | None) -> str | None:
    return " ".join(reason.split())[:500] if reason else None
