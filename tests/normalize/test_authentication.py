"""Authentication-Results (normalize/authentication_results.py, normalize/authentication.py)."""

import pytest

from normalize.authentication_results import parse_results
from tests.normalize.letters import letter, read

TRUSTED = "Authentication-Results: mx.desk.example; "


@pytest.mark.parametrize(
    ("field", "server", "results"),
    [
        ("mx.a; spf=pass smtp.mailfrom=b; dkim=pass header.d=b", "mx.a", ["spf=pass", "dkim=pass"]),
        ("mx.a 1; none", "mx.a", []),
        ('"mx.a" 1; spf = pass', "mx.a", ["spf=pass"]),
        ("MX.A (b (c) d) 1; dkim/1=pass (e)", "mx.a", ["dkim=pass"]),
        ("mx.a 2; dmarc=pass", "", []),
        ("mx.a; spf=(pass) fail", "mx.a", ["spf=fail"]),
        ('mx.a; dkim=fail reason="x; dmarc=pass"', "mx.a", ["dkim=fail"]),
        ('mx.a; spf=fail (a " b) reason="; dmarc=pass"', "mx.a", ["spf=fail"]),
        ('mx.a; "dmarc=pass"', "mx.a", []),
        ("mx.a; spf=fail (; dmarc=pass", "mx.a", ["spf=fail"]),
        ("", "", []),
    ],
)
def test_parsed(field: str, server: str, results: list[str]) -> None:
    found = parse_results(field)
    assert (found.server, [f"{each.method}={each.result}" for each in found.found]) == (server, results)


def test_properties() -> None:
    (found,) = parse_results('mx.a; dmarc=pass (p=none) policy.dmarc=none header . from = "B.example"').found
    assert found.properties == {"policy.dmarc": "none", "header.from": "B.example"}


@pytest.mark.parametrize(
    ("results", "verified"),
    [
        ("dmarc=pass header.from=customer.example", True),
        ("dmarc=pass header.from=CUSTOMER.example", True),
        ("dmarc=pass header.from=other.example", False),
        ("dmarc=pass", True),
        ("dmarc=temperror header.from=customer.example", False),
        ("dmarc=bestguesspass", False),
        ("dkim=pass header.d=customer.example; spf=pass", False),
    ],
)
def test_who_is_verified(results: str, verified: bool) -> None:
    assert read(f"{TRUSTED}{results}\n" + letter("x")).author.verified is verified


def test_of_two_from_fields_none_is_vouched_for_unless_named() -> None:
    mail = "From: evil@other.example\n" + letter("x")
    assert read(f"{TRUSTED}dmarc=pass\n" + mail).author.verified is False
    assert read(f"{TRUSTED}dmarc=pass header.from=customer.example\n" + mail).author.verified is False


@pytest.mark.parametrize(
    ("result", "verdict"),
    [
        ("pass", "pass"), ("fail", "fail"), ("softfail", "fail"), ("permerror", "fail"), ("policy", "fail"),
        ("temperror", "temperror"), ("neutral", "none"), ("none", "none"), ("nonsense", "none"),
    ],
)  # fmt: skip
def test_verdicts(result: str, verdict: str) -> None:
    found = read(f"{TRUSTED}spf={result}\n" + letter("x")).authentication
    assert found is not None
    assert found.spf == verdict
