"""Telephone numbers as E.164 (normalize/phone/numbers.py), and whose call it is."""

import json

import pytest

from normalize.outcome import Understood
from normalize.phone.normalize import normalize_phone
from normalize.phone.numbers import canonical_number
from tests.normalize.payload_cases import record


@pytest.mark.parametrize(
    ("given", "region", "number"),
    [
        ("+49 (0)30 901820", None, "+4930901820"),
        ("0049 30 901820", None, "+4930901820"),
        ("030 901820", "DE", "+4930901820"),
        ("4930901820", "DE", "+4930901820"),
        ("030901820", None, "030901820"),
        ("(415) 555-0100", "US", "+14155550100"),
        ("4155550100", "CA", "+14155550100"),
        ("14155550100", "US", "+14155550100"),
        ("09811122233", "IN", "+919811122233"),
        ("whatsapp:+14155550100", None, "+14155550100"),
        ("tel:+14155550100", None, "+14155550100"),
        ("sip:+4930901820@voip.example", None, "+4930901820"),
        ("sip:ada@voip.example", None, "ada@voip.example"),
        ("1201", "DE", "1201"),
        ("BANK", "DE", "BANK"),
        ("anonymous", "DE", ""),
        ("+266696687", None, ""),
        ("null", "IN", ""),
        ("", None, ""),
        ("+999999999999999999999", None, "+999999999999999999999"),
    ],
)
def test_numbers(given: str, region: str | None, number: str) -> None:
    assert canonical_number(given, region) == number


def event(**more: str) -> Understood:
    fields = {"event": "hangup", "call_id": "1", "from": "4922111223344", "to": "493099887766"} | more
    (outcome,) = normalize_phone(
        record("phone", headers={":method": "POST"}, own_addresses=["+493099887766"]), json.dumps(fields).encode()
    )
    assert isinstance(outcome, Understood)
    return outcome


@pytest.mark.parametrize(
    ("fields", "kind", "missed"),
    [
        ({"event": "newCall"}, "human", None),
        ({"event": "answer"}, "system", None),
        ({"cause": "normalClearing"}, "system", False),
        ({"cause": "noAnswer"}, "human", True),
        ({"cause": "busy"}, "human", True),
        ({"event": "answer", "user": "voicemail"}, "human", True),
        ({"cause": "somethingNew"}, "human", None),
    ],
)
def test_what_opens_a_ticket(fields: dict[str, str], kind: str, missed: bool | None) -> None:
    message = event(**fields).message
    assert message.call is not None
    assert (message.automation.kind, message.call.missed, message.call.direction) == (kind, missed, "in")


def test_a_call_of_ours_is_outgoing_and_the_customers_all_the_same() -> None:
    message = event(**{"from": "493099887766", "to": "4922111223344"}).message
    assert message.call is not None
    assert (message.call.direction, message.author.address) == ("out", "+4922111223344")
    assert (message.automation.kind, message.automation.reason) == ("system", "call:outgoing")


def test_withheld_callers_are_nobodys_contact() -> None:
    one, other = event(**{"from": "anonymous"}).message, event(**{"from": "anonymous", "call_id": "2"}).message
    assert one.author.address != other.author.address
    assert one.call is not None
    assert one.call.caller is None
