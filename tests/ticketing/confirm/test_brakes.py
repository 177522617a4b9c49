"""Caps, buckets, the breaker and loops, by the pure part alone."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
import structlog.testing

from bus.settings import ConfirmationSettings
from ticketing.alarm import Alarm
from ticketing.brakes import PATIENCE, REFUSALS, Asked, Brakes, BrakesKnown, Bucket, Silence, Written

NOW = datetime(2026, 3, 2, 12, tzinfo=UTC)
SETTINGS = ConfirmationSettings(per_source=5, per_hour=150, refusals=10)
ASKED = Asked(
    account="support",
    mailbox="ann@x.example",
    stranger=True,
    origin=None,
    chain=None,
    subject="Lamp",
    words="w",
    received_at=NOW,
)
OURS = "[#12] we have received your message"


def brakes(known: BrakesKnown | None = None, now: datetime = NOW) -> Brakes:
    return Brakes(SETTINGS, 3, known or BrakesKnown(), now)


def ask(of: Brakes, asked: Asked) -> str | None:
    reason = of.refuse(asked)
    if reason is None:
        of.passed(asked, "[#1] We have received your message")
    return reason


def test_three_a_day_to_one_mailbox() -> None:
    found = brakes(BrakesKnown(written={"ann@x.example": [Written(NOW - timedelta(hours=20), "s", None)]}))
    assert [ask(found, ASKED) for _ in range(4)] == [None, None, "capped", "capped"]
    assert ask(found, replace(ASKED, mailbox="bob@x.example")) is None


def test_a_source_of_strangers_has_a_bucket() -> None:
    found = brakes()
    asking = [replace(ASKED, mailbox=f"u{n}@x.example", origin="192.0.2.0/24") for n in range(8)]
    assert [ask(found, each) for each in asking] == [None] * 5 + ["breaker"] * 3
    assert ask(found, replace(ASKED, origin="198.51.100.0/24")) is None
    assert ask(found, replace(ASKED, mailbox="bob@x.example", origin="192.0.2.0/24", stranger=False)) is None
    later = brakes(BrakesKnown(buckets=found.buckets), NOW + timedelta(minutes=30))
    assert [ask(later, replace(each, mailbox=f"v{n}@x.example")) for n, each in enumerate(asking)].count(None) == 3


def opened() -> Brakes:
    found = brakes()
    for _ in range(3 + PATIENCE + SETTINGS.refusals):
        ask(found, ASKED)
    assert found.open_until is not None
    return found


def test_refusals_open_the_breaker_and_it_closes_by_itself() -> None:
    found = opened()
    assert ask(found, ASKED) == "breaker"
    known = BrakesKnown(buckets=found.buckets)
    assert brakes(known, NOW + timedelta(minutes=1)).open_until is not None
    assert brakes(known, NOW + timedelta(hours=1)).open_until is None


def test_many_who_write_a_little_too_much_are_no_attack() -> None:
    found = brakes()
    for n in range(40):
        assert [ask(found, replace(ASKED, mailbox=f"u{n}@x.example")) for _ in range(8)][3:] == ["capped"] * 5
    assert REFUSALS not in found.buckets


def test_while_it_is_open_everybody_elses_confirmations_go_on() -> None:
    found = opened()
    other = replace(ASKED, mailbox="bob@x.example")
    assert ask(found, other) is None
    assert ask(found, replace(other, words="v")) == "breaker"
    known = replace(other, mailbox="cid@x.example", stranger=False)
    assert [ask(found, known) for _ in range(4)] == [None, None, None, "capped"]


def test_more_strangers_than_any_desk_has_open_it_too() -> None:
    found = brakes()
    asked = [ask(found, replace(ASKED, mailbox=f"u{n}@x.example")) for n in range(160)]
    assert asked == [None] * 150 + ["breaker"] * 10
    assert ask(found, replace(ASKED, mailbox="cid@x.example", stranger=False)) is None


def test_a_bucket_never_holds_more_than_leaks_within_an_hour_above_its_limit() -> None:
    found = brakes()
    for _ in range(1000):
        ask(found, ASKED)
    assert found.buckets[REFUSALS].level <= 2 * SETTINGS.refusals * 1000
    assert Bucket(5000, NOW).leaked(NOW - timedelta(hours=1), 10) == Bucket(5000, NOW)


@pytest.mark.parametrize(
    ("written", "asked"),
    [
        (Written(NOW, OURS, "v"), replace(ASKED, subject=f"RE:  {OURS.upper()}")),
        (Written(NOW, OURS, "w"), ASKED),
        (None, replace(ASKED, chain="t1")),
    ],
)
def test_what_our_own_mail_has_caused_is_not_answered(written: Written | None, asked: Asked) -> None:
    earlier = [replace(written, at=NOW - timedelta(minutes=1))] if written else []
    known = BrakesKnown(written={"ann@x.example": earlier})
    first = brakes(known)
    assert ask(first, asked) == "loop"
    pair = ("support", "ann@x.example")
    assert first.silenced == {pair: Silence(1, NOW)}
    second = brakes(replace(known, silenced=first.silenced))
    assert ask(second, asked) == "loop"
    assert second.silenced == {pair: Silence(2, NOW, NOW + timedelta(days=1))}
    # the pair is silent from then on, whatever it says; others are not
    third = brakes(BrakesKnown(silenced=second.silenced), NOW + timedelta(hours=23))
    assert ask(third, replace(ASKED, words="new")) == "loop"
    assert ask(third, replace(ASKED, words="new", account="sales")) is None
    fourth = brakes(BrakesKnown(silenced=second.silenced), NOW + timedelta(hours=25))
    assert ask(fourth, replace(ASKED, words="new")) is None


def test_what_came_before_our_mail_was_not_caused_by_it() -> None:
    known = BrakesKnown(written={"ann@x.example": [Written(NOW, OURS, "w")]})
    assert ask(brakes(known), replace(ASKED, received_at=NOW - timedelta(seconds=1))) is None


def test_a_question_about_a_number_is_no_loop() -> None:
    known = BrakesKnown(written={"ann@x.example": [Written(NOW - timedelta(minutes=5), OURS, "v")]})
    assert ask(brakes(known), replace(ASKED, subject="About #12")) is None


def test_it_says_so_once_and_names_the_pair() -> None:
    now = NOW
    alarm = Alarm(clock=lambda: now)
    with structlog.testing.capture_logs() as logs:
        alarm.heed(brakes())  # nobody asked: nothing is known
        for _ in range(2):
            alarm.heed(opened())
        assert "open until" in (alarm.note() or "")
        looping = brakes(BrakesKnown(silenced={("support", "ann@x.example"): Silence(1, NOW)}))
        ask(looping, replace(ASKED, chain="t"))
        alarm.heed(looping)
        assert alarm.note() is None
    assert [entry["event"] for entry in logs] == [
        "confirmations.breaker_opened",
        "confirmations.breaker_closed",
        "confirmations.pair_silenced",
    ]
