"""A delivery goes forward only, whatever order its receipts are told in."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from bus.reply import Receipt, ReceiptState
from ticketing.delivery import MAX_ATTEMPTS, MAX_UNCERTAIN, Delivery, after_receipt, after_time, pause_after

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
QUEUED = Delivery("r", "t", "queued", 1, NOW)
STATES: tuple[ReceiptState, ...] = ("attempting", "sent", "deferred", "uncertain", "failed")


def receipt(state: ReceiptState, attempt: int = 1, reason: str | None = None) -> Receipt:
    return Receipt(
        reply_id="r",
        ticket_id="t",
        account="support",
        connector="support",
        state=state,
        attempt=attempt,
        at=NOW,
        reason=reason,
    )


def after(delivery: Delivery, *receipts: Receipt) -> tuple[Delivery, list[str]]:
    told: list[str] = []
    for each in receipts:
        moved = after_receipt(delivery, each, NOW)
        if moved:
            delivery = moved
            told.append(moved.state)
    return delivery, told


def test_an_attempt_that_succeeds() -> None:
    assert after(QUEUED, receipt("attempting"), receipt("sent"))[1] == ["attempting", "sent"]


def test_a_repeated_receipt_says_nothing() -> None:
    assert after(QUEUED, receipt("sent"), receipt("sent"), receipt("attempting"))[1] == ["sent"]


def test_what_was_sent_never_fails_afterwards() -> None:
    assert after(QUEUED, receipt("sent"), receipt("failed"), receipt("uncertain"), receipt("deferred"))[1] == ["sent"]


def test_what_was_given_up_may_still_turn_out_to_be_sent() -> None:
    assert after(QUEUED, receipt("failed", reason="no_connector"), receipt("sent"))[1] == ["failed", "sent"]


def test_a_deferred_attempt_is_repeated_later_with_the_next_number() -> None:
    deferred, _ = after(QUEUED, receipt("attempting"), receipt("deferred", reason="451 later\r\nplease"))
    assert deferred.reason == "451 later please"
    assert deferred.next_attempt_at == NOW + timedelta(minutes=1)
    assert after_time(deferred, NOW, watched_since=NOW) is None
    again = after_time(deferred, NOW + timedelta(minutes=1), watched_since=NOW)
    assert again is not None
    assert (again.state, again.attempt, again.next_attempt_at) == ("queued", 2, None)
    assert after(again, receipt("deferred", 1), receipt("failed", 1))[1] == []
    assert after(again, receipt("attempting", 2), receipt("deferred", 2))[0].next_attempt_at == NOW + timedelta(
        minutes=5
    )


def test_an_agents_reply_that_may_not_have_arrived_is_sent_again_and_a_confirmation_never() -> None:
    confirmation, _ = after(QUEUED, receipt("attempting"), receipt("uncertain"))
    assert after_time(confirmation, NOW + timedelta(days=30), watched_since=NOW) is None
    delivery, tries = replace(QUEUED, insistent=True), 0
    while True:
        delivery, told = after(
            delivery, receipt("attempting", delivery.attempt), receipt("uncertain", delivery.attempt)
        )
        assert told == ["attempting", "uncertain"]
        tries += 1
        again = after_time(delivery, NOW + timedelta(days=30), watched_since=NOW)
        if again is None:
            break
        delivery = again
    assert tries == MAX_UNCERTAIN
    assert after(delivery, receipt("sent", 1))[0].state == "sent"


def test_patience_ends() -> None:
    last = Delivery("r", "t", "attempting", MAX_ATTEMPTS, NOW)
    given_up, _ = after(last, receipt("deferred", MAX_ATTEMPTS))
    assert (given_up.state, given_up.reason, given_up.next_attempt_at) == ("failed", "gave_up", None)
    total = sum((pause_after(n) or timedelta() for n in range(1, MAX_ATTEMPTS)), timedelta())
    assert timedelta(days=4) < total < timedelta(days=5)


def test_a_reply_nobody_takes_fails_after_ten_minutes_under_our_eyes() -> None:
    late = NOW + timedelta(minutes=10)
    failed = after_time(QUEUED, late, watched_since=NOW)
    assert failed is not None
    assert (failed.state, failed.reason) == ("failed", "no_connector")
    assert after_time(QUEUED, late, watched_since=NOW + timedelta(seconds=1)) is None
    assert after_time(after(QUEUED, receipt("attempting"))[0], late, watched_since=NOW) is None


@given(st.lists(st.tuples(st.sampled_from(STATES), st.integers(1, 3))))
def test_whatever_is_told_in_whatever_order_sent_is_the_end(told: list[tuple[ReceiptState, int]]) -> None:
    delivery, steps = after(QUEUED, *(receipt(state, attempt) for state, attempt in told))
    assert (delivery.state == "sent") == any(state == "sent" for state, _ in told)
    assert len(set(steps)) == len(steps)
    assert delivery.attempt == 1
