"""What is done with a reply, for each thing its receipts may say."""

import pytest

from bus.errors import Invalid, Retryable
from bus.reply import Purpose, ReceiptState
from ingest.attempts import Decision, Outcome, Standing, attempting, decide, ended, one_line, outcome_of
from ingest.contract import Refused, Uncertain
from tests.ingest.sending.replies import NOW, a_reply

AUTOMATIC: tuple[Purpose, ...] = ("confirmation", "rating_request", "approval_request", "notification")
FINAL: tuple[ReceiptState, ...] = ("sent", "deferred", "uncertain", "failed")


def _kind(decision: Decision) -> str:
    return decision.state if isinstance(decision, Outcome) else decision


def test_a_reply_without_receipts_is_sent() -> None:
    assert decide(a_reply(), None, idempotent=False) == "send"


@pytest.mark.parametrize("state", FINAL)
@pytest.mark.parametrize("idempotent", [True, False])
@pytest.mark.parametrize("purpose", ["confirmation", "reply"])
def test_an_attempt_that_ended_is_not_made_again(state: ReceiptState, idempotent: bool, purpose: Purpose) -> None:
    reply = a_reply(purpose=purpose, attempt=2)
    assert decide(reply, Standing(2, state), idempotent=idempotent) == "skip"
    assert decide(reply, Standing(3, "attempting"), idempotent=idempotent) == "skip"


@pytest.mark.parametrize("purpose", AUTOMATIC)
def test_an_open_attempt_of_anything_automatic_is_uncertain_and_never_repeated(purpose: Purpose) -> None:
    assert _kind(decide(a_reply(purpose=purpose), Standing(1, "attempting"), idempotent=False)) == "uncertain"


def test_an_open_attempt_of_an_agents_reply_is_repeated() -> None:
    assert decide(a_reply(purpose="reply"), Standing(1, "attempting"), idempotent=False) == "send"


@pytest.mark.parametrize("purpose", [*AUTOMATIC, "reply"])
def test_an_open_attempt_is_repeated_where_that_is_harmless(purpose: Purpose) -> None:
    assert decide(a_reply(purpose=purpose), Standing(1, "attempting"), idempotent=True) == "send"


@pytest.mark.parametrize("idempotent", [True, False])
def test_an_attempt_whose_end_is_remembered_is_reported(idempotent: bool) -> None:
    end = Outcome("deferred", reason="busy")
    assert decide(a_reply(), Standing(1, "attempting"), idempotent=idempotent, remembered=end) is end


@pytest.mark.parametrize(
    ("last", "purpose", "expected"),
    [
        ("deferred", "confirmation", "send"),
        ("failed", "confirmation", "send"),
        ("sent", "confirmation", "sent"),
        ("uncertain", "confirmation", "uncertain"),
        ("attempting", "confirmation", "uncertain"),
        ("deferred", "reply", "send"),
        ("uncertain", "reply", "send"),
        ("attempting", "reply", "send"),
    ],
)
def test_a_later_attempt(last: ReceiptState, purpose: Purpose, expected: str) -> None:
    assert _kind(decide(a_reply(purpose=purpose, attempt=2), Standing(1, last), idempotent=False)) == expected


@pytest.mark.parametrize(
    ("error", "state"),
    [
        (Retryable("busy"), "deferred"),
        (Refused("550 no"), "failed"),
        (Invalid("no such blob"), "failed"),
        (Uncertain("cut"), "uncertain"),
        (KeyError("secret"), "uncertain"),
        (TimeoutError(), "uncertain"),
    ],
)
def test_what_an_error_means(error: Exception, state: str) -> None:
    outcome = outcome_of(error)
    assert outcome.state == state
    assert outcome.reason
    assert "secret" not in outcome.reason


def test_a_reason_is_one_short_line() -> None:
    assert one_line("  450\r\n4.2.0\tbusy\x00 \x1b[31m ") == "450 4.2.0 busy [31m"
    assert len(one_line("x" * 10_000)) == 300


def test_receipts_say_what_became_of_which_attempt() -> None:
    reply = a_reply(attempt=3)
    assert attempting(reply, "support-mail", NOW).state == "attempting"
    receipt = ended(reply, "support-mail", NOW, Outcome("sent", provider_id="id"))
    assert (receipt.reply_id, receipt.ticket_id, receipt.attempt, receipt.account) == ("r1", "t1", 3, "support-mail")
    assert (receipt.state, receipt.provider_id, receipt.at) == ("sent", "id", NOW)
