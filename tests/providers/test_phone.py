"""Telephone systems: who calls, what is kept, what they are answered, recordings."""

from base64 import b64encode
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest
from pydantic import SecretStr, ValidationError

from bus.message import NormalizedMessage
from ingest.connectors.phone import PHONE
from ingest.intake.route import ClosedRoute
from ingest.phone.who_calls import twilio_signatures
from tests.providers.rig import Rig
from tests.providers.serving import Fault
from tests.providers.telephony import FORM, RECORDING, placetel, recordings, twilio

SHARED, PATH, TOKEN = "shared-with-placetel", "a-very-long-path-secret", "twilio-auth-token"
PLACETEL = {"provider": "placetel", "signing_secret": SHARED, "numbers": ["+49 30 555100"]}
SIPGATE = {"provider": "sipgate", "path_secret": PATH}
TWILIO = {"provider": "twilio", "signing_secret": TOKEN, "account_sid": "AC1"}
CALL = "f4591ba315d81671d7a06c2a3b4f963dafd119de39cb26edd8a6476676b2f447"
TWILIO_URL = "https://desk.example/in/public/calls"


def _event(kind: str, **more: str) -> dict[str, str]:
    return {"event": kind, "from": "0221998877", "to": "030555100", "call_id": CALL, **more}


async def _placetel(rig: Rig, kind: str, **more: str) -> int:
    return await rig.status(*placetel(_event(kind, **more), SHARED))


def _only(rig: Rig) -> NormalizedMessage:
    (message,) = rig.messages()
    return message


async def test_the_events_of_a_call_are_one_message(tmp_path: Path) -> None:
    rig = Rig(PHONE, PLACETEL, tmp_path)
    assert await _placetel(rig, "IncomingCall") == 200
    assert await _placetel(rig, "HungUp", type="missed", direction="in") == 200
    message = _only(rig)
    assert message.call
    assert (message.call.direction, message.call.missed, message.author.address) == ("in", True, "+49221998877")
    assert {record.key for record in rig.bus.records("raw.phone")} == {CALL}


async def test_any_order_and_repetition_give_the_same_call(tmp_path: Path) -> None:
    rig = Rig(PHONE, PLACETEL, tmp_path)
    for kind in ("HungUp", "IncomingCall", "CallAccepted", "IncomingCall", "HungUp"):
        await _placetel(rig, kind, **({"type": "accepted", "direction": "in"} if kind == "HungUp" else {}))
    message = _only(rig)
    assert message.call
    assert (message.call.state, message.automation.reason) == ("ended", "call:answered")


@pytest.mark.parametrize("attack", ["wrong key", "missing", "altered", "re-ordered", "twice", "of the query"])
async def test_placetel_is_known_by_its_signature_alone(tmp_path: Path, attack: str) -> None:
    rig = Rig(PHONE, PLACETEL, tmp_path)
    headers, body = placetel(_event("IncomingCall"), SHARED)
    pairs = list(headers.items())
    query = ""
    if attack == "wrong key":
        pairs = list(placetel(_event("IncomingCall"), "another")[0].items())
    elif attack == "missing":
        pairs = pairs[:1]
    elif attack == "altered":
        body = body.replace(b"0221", b"0222")
    elif attack == "re-ordered":
        body = b"&".join(reversed(body.split(b"&")))
    elif attack == "twice":
        pairs.append(pairs[1])
    else:
        query, body = body.decode(), b""
    assert await rig.status(pairs, body, query=query) == 401
    assert not rig.raw


def test_twilios_own_example() -> None:
    """Of its helper libraries, "Validate Incoming Requests"."""
    fields = {
        "CallSid": "CA1234567890ABCDE", "Caller": "+14158675309", "Digits": "1234", "From": "+14158675309",
        "To": "+18005551212",
    }  # fmt: skip
    signatures = twilio_signatures(
        SecretStr("12345"), "https://mycompany.com/myapp.php?foo=1&bar=2", urlencode(fields).encode()
    )
    assert "RSOYDt4T1cUTdK1PDd93/VVr8B8=" in signatures


def _twilio_call(**more: str) -> dict[str, str]:
    return {
        "AccountSid": "AC1", "ApiVersion": "2010-04-01", "CallSid": "CA77", "From": "+33142685300", "To": "+4930555100",
        "Direction": "inbound", **more,
    }  # fmt: skip


@pytest.mark.parametrize("url", [TWILIO_URL, TWILIO_URL.replace(".example/", ".example:443/")])
async def test_twilio_signs_the_address_with_its_port_or_without(tmp_path: Path, url: str) -> None:
    rig = Rig(PHONE, TWILIO, tmp_path)
    answer = await rig.call(*twilio(_twilio_call(CallStatus="no-answer"), TOKEN, url))
    assert b"<Response>" in bytes(answer.body)
    message = _only(rig)
    assert message.call
    assert message.call.missed


@pytest.mark.parametrize("attack", ["wrong key", "missing", "altered", "added", "twice", "other address"])
async def test_twilio_is_known_by_its_signature_alone(tmp_path: Path, attack: str) -> None:
    rig = Rig(PHONE, TWILIO, tmp_path)
    headers, body = twilio(_twilio_call(CallStatus="ringing"), TOKEN, TWILIO_URL)
    pairs = list(headers.items())
    query = ""
    if attack == "wrong key":
        pairs = list(twilio(_twilio_call(CallStatus="ringing"), "another", TWILIO_URL)[0].items())
    elif attack == "missing":
        pairs = pairs[:1]
    elif attack == "altered":
        body = body.replace(b"ringing", b"completed")
    elif attack == "added":
        body += b"&ForwardedFrom=1"
    elif attack == "twice":
        pairs.append(pairs[1])
    else:
        query = "other=1"
    assert await rig.status(pairs, body, query=query) == 401
    assert not rig.raw


@pytest.mark.parametrize(
    ("given", "status"), [(PATH, 200), ("wrong", 404), ("", 404), (PATH + "x", 404), ("ä" * 30, 404)]
)
async def test_who_signs_nothing_is_known_by_the_address(tmp_path: Path, given: str, status: int) -> None:
    rig = Rig(PHONE, SIPGATE, tmp_path)
    body = urlencode({"event": "newCall", "direction": "in", "from": "1", "to": "2", "callId": "c1"}).encode()
    found = await rig.status({"content-type": FORM}, body, path=f"/calls/{given}", params={"secret": given})
    assert found == status
    assert bool(rig.raw) == (status == 200)


@pytest.mark.parametrize(
    ("given", "status"),
    [
        ("Basic " + b64encode(b"exo:long-password").decode(), 200),
        ("basic " + b64encode(b"exo:long-password").decode(), 200),
        ("Basic " + b64encode(b"exo:wrong").decode(), 401),
        ("Bearer " + b64encode(b"exo:long-password").decode(), 401),
        ("Basic !!!", 401),
        (None, 401),
    ],
)
async def test_or_by_user_and_password(tmp_path: Path, given: str | None, status: int) -> None:
    rig = Rig(PHONE, {"provider": "exotel", "username": "exo", "password": "long-password"}, tmp_path)
    query = urlencode({"CallSid": "e1", "CallFrom": "09876543210", "CallTo": "08088919888", "Direction": "incoming"})
    headers = {"authorization": given} if given else {}
    assert await rig.status(headers, b"", method="GET", query=query) == status
    assert [message.source_id for message in rig.messages()] == (["e1"] if status == 200 else [])


async def test_no_secret_stands_on_a_topic(tmp_path: Path) -> None:
    rig = Rig(PHONE, SIPGATE | {"username": "sip", "password": "long-password"}, tmp_path)
    login = "Basic " + b64encode(b"sip:long-password").decode()
    body = urlencode({"event": "newCall", "direction": "in", "from": "1", "to": "2", "callId": "c1"}).encode()
    await rig.call(
        {"content-type": FORM, "authorization": login},
        body,
        path=f"/calls/{PATH}",
        params={"secret": PATH},
        query="a=b",
    )
    (record,) = rig.bus.records("raw.phone")
    for secret in (PATH, "long-password", login):
        assert secret.encode() not in (record.value or b"")
    assert rig.raw[0].headers[":path"] == "/calls?a=b"


async def test_sipgate_is_told_where_to_say_how_the_call_goes_on(tmp_path: Path) -> None:
    rig = Rig(PHONE, SIPGATE, tmp_path)
    body = urlencode({"event": "newCall", "direction": "in", "from": "1", "to": "2", "callId": "c1"}).encode()
    answer = await rig.call(
        {"content-type": FORM}, body, path=f"/calls/{PATH}", params={"secret": PATH}, query="a=1&b=2"
    )
    url = f"https://desk.example/in/public/calls/{PATH}?a=1&amp;b=2"
    assert f'onAnswer="{url}" onHangup="{url}"' in bytes(answer.body).decode()
    assert answer.media_type == "application/xml"
    body = urlencode({"event": "hangup", "direction": "in", "callId": "c1", "cause": "cancel"}).encode()
    answer = await rig.call({"content-type": FORM}, body, path=f"/calls/{PATH}", params={"secret": PATH})
    assert answer.body == b""


@pytest.mark.parametrize(
    "settings", [{"provider": "twilio"}, {"provider": "placetel", "path_secret": PATH}, {"provider": "generic"}]
)
def test_without_a_secret_the_route_stays_closed_and_says_why(tmp_path: Path, settings: Mapping[str, Any]) -> None:
    (route,) = Rig(PHONE, settings, tmp_path).routes
    assert isinstance(route, ClosedRoute)
    assert "[connectors.public]" in route.because


def test_settings_that_cannot_work() -> None:
    for wrong in ({"username": "a"}, {"path_secret": "short"}, {"provider": "unknown"}, {"region": "de"}):
        with pytest.raises(ValidationError):
            PHONE.settings.model_validate({"provider": "generic"} | wrong)


async def test_what_is_no_event_is_kept_for_a_person_to_see(tmp_path: Path) -> None:
    rig = Rig(PHONE, PLACETEL, tmp_path)
    assert await rig.status(*placetel({"hello": "world"}, SHARED)) == 200
    assert await _placetel(rig, "IncomingCall") == 200
    outcomes = [type(outcome).__name__ for outcome in rig.outcomes()]
    assert outcomes == ["Invalid", "Understood"]


# -- recordings


async def test_a_recording_is_kept_with_the_call(tmp_path: Path) -> None:
    with recordings() as server:
        rig = Rig(PHONE, TWILIO | {"inside": [server.url]}, tmp_path)
        url = f"{server.url}/good.wav"
        call = _twilio_call(RecordingUrl=url, RecordingStatus="completed", RecordingSource="RecordVerb")
        await rig.call(*twilio(call, TOKEN, TWILIO_URL))
    (file,) = _only(rig).attachments
    assert (file.source, file.size) == (url, len(RECORDING))
    assert file.blob
    assert await rig.place.blobs.get(file.blob) == RECORDING


@pytest.mark.parametrize("where", ["/endless.wav", "/nothing.wav", "/elsewhere.wav?to=https://evil.example/x"])
async def test_a_recording_that_cannot_be_had_stays_where_it_is(tmp_path: Path, where: str) -> None:
    with recordings() as server:
        rig = Rig(PHONE, TWILIO | {"inside": [server.url], "max_recording_bytes": 50_000}, tmp_path)
        call = _twilio_call(RecordingUrl=server.url + where, RecordingStatus="completed")
        assert await rig.status(*twilio(call, TOKEN, TWILIO_URL)) == 200
    message = _only(rig)
    assert message.attachments[0].blob is None
    assert "attachment:not_fetched" in message.warnings


async def test_nothing_is_fetched_from_hosts_that_were_not_named(tmp_path: Path) -> None:
    with recordings() as server:
        server.faulty.faults.append(Fault("GET /good.wav", 200))
        rig = Rig(PHONE, TWILIO, tmp_path)
        call = _twilio_call(RecordingUrl=f"{server.url}/good.wav", RecordingStatus="completed")
        await rig.call(*twilio(call, TOKEN, TWILIO_URL))
        assert not server.faulty.asked
    assert _only(rig).attachments[0].blob is None
