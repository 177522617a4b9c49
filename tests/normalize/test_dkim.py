"""DKIM with a given key (normalize/dkim.py). The mails were signed by another implementation; the keys are gone."""

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest

from normalize.dkim import check_dkim

FOLDER = Path(__file__).parent.parent / "golden" / "dkim"
KEYS: dict[str, str] = json.loads((FOLDER / "keys.json").read_text())
MAILS = sorted(FOLDER.glob("*.eml"))
RSA = (FOLDER / "rsa_relaxed.eml").read_bytes()
RSA_KEY = "desk2026._domainkey.customer.example"


@pytest.mark.parametrize("path", MAILS, ids=lambda path: path.stem)
def test_a_good_signature_passes(path: Path) -> None:
    (checked,) = check_dkim(path.read_bytes(), KEYS.get)
    assert (checked.domain, checked.verdict, checked.reason) == ("customer.example", "pass", "")


@pytest.mark.parametrize("path", MAILS, ids=lambda path: path.stem)
def test_line_feeds_alone_make_no_difference(path: Path) -> None:
    assert check_dkim(path.read_bytes().replace(b"\r\n", b"\n"), KEYS.get)[0].verdict == "pass"


@pytest.mark.parametrize(
    ("was", "becomes", "reason"),
    [
        (b"Monday", b"Sunday", "the body was altered"),
        (b"my  order?", b"my odor?", "the signature does not fit"),
        (b"d=customer.example", b"d=customer.example; i=@evil.example", "signed for another domain"),
        (b"a=rsa-sha256", b"a=rsa-sha1", "an algorithm that does not count"),
        (b"a=rsa-sha256", b"a=ed25519-sha256", "a key of another kind"),
        (b"v=1;", b"v=2;", "not a signature"),
        (b"c=relaxed/relaxed", b"c=loose", "an unknown canonicalization"),
        (b"s=desk2026", b"s=other", "no key"),
    ],
)
def test_anything_altered_fails(was: bytes, becomes: bytes, reason: str) -> None:
    assert was in RSA
    (checked,) = check_dkim(RSA.replace(was, becomes), KEYS.get)
    assert (checked.verdict, checked.reason) == ("fail", reason)


@pytest.mark.parametrize(
    ("record", "reason"),
    [
        ("v=DKIM1; p=", "the key was revoked"),
        ("v=DKIM2; p=AAAA", "not a key"),
        ("v=DKIM1; h=sha1; p=AAAA", "a key for another hash"),
        ("v=DKIM1; k=rsa; p=AAAA", "the signature does not fit"),
        ("v=DKIM1; k=rsa; p=!!", "the signature does not fit"),
    ],
)
def test_keys_that_do_not_count(record: str, reason: str) -> None:
    assert check_dkim(RSA, {RSA_KEY: record}.get)[0].reason == reason


def test_expiry_needs_a_clock_that_the_caller_has() -> None:
    expiring = RSA.replace(b"v=1;", b"v=1; x=1700000000;")
    assert check_dkim(expiring, KEYS.get, datetime(2026, 1, 1, tzinfo=UTC))[0].reason == "expired"
    assert check_dkim(expiring, KEYS.get)[0].reason == "the signature does not fit"


def test_unsigned_and_hostile_mails() -> None:
    assert check_dkim(b"From: a@b\r\n\r\nx", KEYS.get) == []
    assert check_dkim(b"\r\n\r\nx", KEYS.get) == []
    assert len(check_dkim(b"DKIM-Signature: v=1\r\n" * 1000 + b"\r\n", KEYS.get)) == 10
    assert check_dkim(b"x" * 60_000, KEYS.get) == []
