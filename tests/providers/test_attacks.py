"""Every signed webhook × every attack: only what its sender has signed is taken, and a replay is the same message.

Where a scheme has no time in it an old request cannot be told from a late one: its replay makes the same message.
"""

import json
import secrets
from abc import ABC, abstractmethod
from base64 import b64encode
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import parse_qsl, urlencode

import pytest

from ingest import standard_webhooks
from ingest.connectors.phone import PHONE
from tests.providers import discourse, facebook, telephony, x
from tests.providers.cases import CASES, Case
from tests.providers.rig import Rig

Pairs = Sequence[tuple[str, str]]
Signature = Callable[[bytes, str], Mapping[str, str]]


class Scheme(ABC):
    """How somebody signs. `header`: where the signature stands; `timed`: whether it says when."""

    header: str
    timed = False

    @abstractmethod
    def rig(self, folder: Path) -> Rig: ...

    @abstractmethod
    def body(self) -> bytes:
        """Something that becomes one message."""

    @abstractmethod
    def sign(self, body: bytes, *, wrong: bool = False, at: datetime | None = None) -> Pairs:
        """The headers of these bytes; `wrong`: by another key."""

    def re_serialized(self, body: bytes) -> bytes:
        """The same values in other bytes."""
        return json.dumps(json.loads(body), indent=1).encode()


class OfCase(Scheme):
    """A provider of the conformance suite; `signature(body, secret)` gives its headers."""

    def __init__(self, case: Case, header: str, signature: Signature, key: str) -> None:
        self.header = header
        self._case = case
        self._signature = signature
        self._key = key

    def rig(self, folder: Path) -> Rig:
        return self._case.rig(folder)

    def body(self) -> bytes:
        return self._case.write("hello")[0][1]

    def sign(self, body: bytes, *, wrong: bool = False, at: datetime | None = None) -> Pairs:  # noqa: ARG002  # no time
        headers = dict(self._case.sign(body)[0])
        return list((headers | dict(self._signature(body, "another-secret" if wrong else self._key))).items())

    def re_serialized(self, body: bytes) -> bytes:
        return super().re_serialized(body) if body[:1] == b"{" else _spelled_otherwise(body)


class Twilio(Scheme):
    header = "x-twilio-signature"

    def rig(self, folder: Path) -> Rig:
        return Rig(PHONE, {"provider": "twilio", "signing_secret": "twilio-auth-token", "account_sid": "AC1"}, folder)

    def body(self) -> bytes:
        call = {"AccountSid": "AC1", "CallSid": "CA77", "From": "+33142685300", "To": "+4930555100"}
        return urlencode(call | {"Direction": "inbound", "CallStatus": "no-answer"}).encode()

    def sign(self, body: bytes, *, wrong: bool = False, at: datetime | None = None) -> Pairs:  # noqa: ARG002  # no time
        token = "another-token" if wrong else "twilio-auth-token"
        url = "https://desk.example/in/public/calls"
        return list(telephony.twilio(dict(parse_qsl(body.decode())), token, url)[0].items())

    def re_serialized(self, body: bytes) -> bytes:
        return _spelled_otherwise(body)


class Generic(Scheme):
    header = "webhook-signature"
    timed = True
    _key, _other = (secrets.token_bytes(32) for _ in range(2))

    def rig(self, folder: Path) -> Rig:
        secret = "whsec_" + b64encode(self._key).decode()
        return Rig(PHONE, {"provider": "generic", "signing_secret": secret}, folder)

    def body(self) -> bytes:
        event = {"event": "hangup", "direction": "in", "call_id": "g-1", "from": "+4922199887", "cause": "noanswer"}
        return json.dumps(event, separators=(",", ":")).encode()

    def sign(self, body: bytes, *, wrong: bool = False, at: datetime | None = None) -> Pairs:
        when = str(int((at or datetime.now(UTC)).timestamp()))
        signature = standard_webhooks.signature(self._other if wrong else self._key, "msg_1", when, body)
        return [
            ("content-type", "application/json"),
            ("webhook-id", "msg_1"),
            ("webhook-timestamp", when),
            ("webhook-signature", signature),
        ]


def _spelled_otherwise(form: bytes) -> bytes:
    """A form's values percent-encoded where they need not be."""
    pairs = [part.partition("=") for part in form.decode().split("&")]
    return "&".join(f"{name}=%{ord(value[0]):02X}{value[1:]}" if value[:1].isalnum() else f"{name}={value}"
                    for name, _, value in pairs).encode()  # fmt: skip


@contextmanager
def _of_case(
    name: str, header: str, signature: Callable[[bytes, str], Mapping[str, str]], key: str
) -> Iterator[Scheme]:
    with CASES[name]() as case:
        yield OfCase(case, header, signature, key)


@contextmanager
def _alone(scheme: Scheme) -> Iterator[Scheme]:
    yield scheme


SCHEMES: Mapping[str, Callable[[], AbstractContextManager[Scheme]]] = {
    "discourse": lambda: _of_case("forum", "x-discourse-event-signature", discourse.signature, discourse.SECRET),
    "facebook": lambda: _of_case("facebook", "x-hub-signature-256", facebook.signature, facebook.APP_SECRET),
    "x": lambda: _of_case("x", "x-twitter-webhooks-signature", x.signature_of, x.KEYS[1]),
    "placetel": lambda: _of_case("phone", "x-placetel-signature", telephony.placetel_signature, "shared-with-placetel"),
    "twilio": lambda: _alone(Twilio()),
    "standard webhooks": lambda: _alone(Generic()),
}
BY_VALUE = {"twilio"}
"""Twilio signs the values of a form, not its bytes: spelled otherwise it is the same request."""


@pytest.fixture(params=list(SCHEMES))
def name(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def scheme(name: str) -> Iterator[Scheme]:
    with SCHEMES[name]() as found:
        yield found


async def test_signed_it_is_taken_and_a_replay_is_the_same_message(scheme: Scheme, tmp_path: Path) -> None:
    rig, body = scheme.rig(tmp_path), scheme.body()
    for _ in range(3):
        assert await rig.status(scheme.sign(body), body) == 200
    assert len(rig.messages()) == 1


async def test_by_another_key_it_is_refused(scheme: Scheme, tmp_path: Path) -> None:
    rig, body = scheme.rig(tmp_path), scheme.body()
    assert await rig.status(scheme.sign(body, wrong=True), body) == 401
    assert not rig.raw


async def test_without_its_signature_it_is_refused(scheme: Scheme, tmp_path: Path) -> None:
    rig, body = scheme.rig(tmp_path), scheme.body()
    signed = scheme.sign(body)
    for headers in (
        [pair for pair in signed if pair[0] != scheme.header],
        [(name, "" if name == scheme.header else value) for name, value in signed],
    ):
        assert await rig.status(headers, body) == 401
    assert not rig.raw


async def test_with_one_byte_altered_it_is_refused(scheme: Scheme, tmp_path: Path) -> None:
    rig, body = scheme.rig(tmp_path), scheme.body()
    signed = scheme.sign(body)
    at = next(n for n in reversed(range(len(body))) if chr(body[n]).isalnum())
    for other in (body[:at] + bytes([body[at] ^ 1]) + body[at + 1 :], body + b"&a=1", body[:-1]):
        assert await rig.status(signed, other) == 401
    assert not rig.raw


async def test_serialized_again_it_is_refused_where_bytes_are_signed(name: str, scheme: Scheme, tmp_path: Path) -> None:
    rig, body = scheme.rig(tmp_path), scheme.body()
    again = scheme.re_serialized(body)
    assert again != body
    assert await rig.status(scheme.sign(body), again) == (200 if name in BY_VALUE else 401)
    assert len(rig.raw) == (name in BY_VALUE)


async def test_with_two_signatures_it_is_refused(scheme: Scheme, tmp_path: Path) -> None:
    rig, body = scheme.rig(tmp_path), scheme.body()
    good = next(pair for pair in scheme.sign(body) if pair[0] == scheme.header)
    bad = next(pair for pair in scheme.sign(body, wrong=True) if pair[0] == scheme.header)
    others = [pair for pair in scheme.sign(body) if pair[0] != scheme.header]
    for both in ([good, bad], [bad, good], [good, good]):
        assert await rig.status([*others, *both], body) == 401
    assert not rig.raw


async def test_signed_long_ago_it_is_refused_where_the_scheme_has_a_time(scheme: Scheme, tmp_path: Path) -> None:
    rig, body = scheme.rig(tmp_path), scheme.body()
    for minutes in (-6, 6):
        signed = scheme.sign(body, at=datetime.now(UTC) + timedelta(minutes=minutes))
        assert await rig.status(signed, body) == (401 if scheme.timed else 200)
    assert len(rig.messages()) == (0 if scheme.timed else 1)
